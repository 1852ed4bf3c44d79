using Netmap.Interop;

namespace Netmap.Links;

/// <summary>
/// An interface receives frames for every address as long as this is held: a switch forwards what is meant for others. It
/// hangs on a descriptor, so the kernel ends it with the process; other users' wishes are counted apart (packet(7)).
/// </summary>
internal sealed unsafe class PromiscuousMode : IDisposable
{
    private readonly SafeDescriptor _socket;

    private PromiscuousMode(SafeDescriptor socket) => _socket = socket;

    /// <summary>For an interface of the calling thread's namespace.</summary>
    /// <exception cref="NetmapException">EPERM, ENODEV.</exception>
    public static PromiscuousMode Hold(int interfaceIndex, string name)
    {
        SysResult fd = SysSocket.socket(SysSocket.AF_PACKET, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "attach", name, "promiscuous mode needs a packet socket (CAP_NET_RAW)");
        SafeDescriptor socket = new(fd.Int32);
        packet_mreq request = new() { mr_ifindex = interfaceIndex, mr_type = LinuxIfPacket.PACKET_MR_PROMISC };
        SysResult set = SysSocket.setsockopt(socket.Fd, SysSocket.SOL_PACKET, LinuxIfPacket.PACKET_ADD_MEMBERSHIP, &request, (uint)sizeof(packet_mreq));
        if (!set.IsError)
            return new(socket);
        socket.Dispose();
        throw new NetmapException(set.Errno, "attach", name, "the kernel refused promiscuous mode");
    }

    public void Dispose() => _socket.Dispose();
}
