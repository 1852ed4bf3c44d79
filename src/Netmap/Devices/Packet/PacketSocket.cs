using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>An AF_PACKET socket (packet(7)) and the options this device sets on it; owns the descriptor.</summary>
internal sealed unsafe class PacketSocket : IDisposable
{
    private readonly SafeDescriptor _socket;
    private readonly string _port;

    /// <summary>A socket that receives nothing until it is bound to a protocol.</summary>
    /// <exception cref="NetmapException">EPERM without CAP_NET_RAW.</exception>
    public PacketSocket(string port)
    {
        _port = port;
        SysResult fd = SysSocket.socket(SysSocket.AF_PACKET, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open", port, fd.Errno == Errno.EPERM
                ? "packet sockets need CAP_NET_RAW: run as root, or inside `unshare -Urn`"
                : "the kernel refused a packet socket");
        _socket = new SafeDescriptor(fd.Int32);
    }

    public int Fd => _socket.Fd;

    /// <exception cref="NetmapException">The option was refused.</exception>
    public void Set(int option, int value, string what) =>
        Check(SysSocket.setsockopt(Fd, SysSocket.SOL_PACKET, option, value), what);

    /// <exception cref="NetmapException">The option was refused.</exception>
    public void Set<T>(int level, int option, in T value, string what)
        where T : unmanaged
    {
        fixed (T* address = &value)
            Check(SysSocket.setsockopt(Fd, level, option, address, (uint)sizeof(T)), what);
    }

    public int Get(int option)
    {
        int value = 0;
        uint length = sizeof(int);
        return SysSocket.getsockopt(Fd, SysSocket.SOL_PACKET, option, &value, &length).IsError ? 0 : value;
    }

    /// <summary>Binds to an interface; protocol 0 receives nothing.</summary>
    /// <exception cref="NetmapException">ENODEV.</exception>
    public void Bind(int interfaceIndex, ushort protocol)
    {
        sockaddr_ll address = new()
        {
            sll_family = SysSocket.AF_PACKET,
            sll_protocol = BinaryPrimitives.ReverseEndianness(protocol),
            sll_ifindex = interfaceIndex,
        };
        Check(SysSocket.bind(Fd, &address, (uint)sizeof(sockaddr_ll)), "bind");
    }

    /// <summary>False once the interface it was bound to is gone, even if another has its index by now.</summary>
    public bool IsBoundTo(int interfaceIndex)
    {
        sockaddr_ll address = default;
        uint length = (uint)sizeof(sockaddr_ll);
        return !SysSocket.getsockname(Fd, &address, &length).IsError && address.sll_ifindex == interfaceIndex;
    }

    /// <summary>Frames the kernel had no room for since the last call.</summary>
    public long TakeDrops()
    {
        tpacket_stats statistics = default;
        uint length = (uint)sizeof(tpacket_stats);
        SysResult result = SysSocket.getsockopt(Fd, SysSocket.SOL_PACKET, LinuxIfPacket.PACKET_STATISTICS, &statistics, &length);
        return result.IsError ? 0 : statistics.tp_drops;
    }

    /// <summary>The pending error of the socket, and clears it: ENETDOWN after the interface went down.</summary>
    public Errno TakeError()
    {
        int error = 0;
        uint length = sizeof(int);
        SysResult result = SysSocket.getsockopt(Fd, SysSocket.SOL_SOCKET, SysSocket.SO_ERROR, &error, &length);
        return result.IsError ? result.Errno : (Errno)error;
    }

    /// <summary>From now on it receives what this program lets through.</summary>
    /// <exception cref="NetmapException">The kernel refused.</exception>
    public void Filter(ReadOnlySpan<sock_filter> code) => Check(TryFilter(code), "filter");

    /// <summary>The same; the filter stays as it was where the kernel refuses.</summary>
    public SysResult TryFilter(ReadOnlySpan<sock_filter> code)
    {
        fixed (sock_filter* instructions = code)
        {
            sock_fprog program = new() { len = (ushort)code.Length, filter = instructions };
            return SysSocket.setsockopt(Fd, SysSocket.SOL_SOCKET, AsmSocket.SO_ATTACH_FILTER, &program, (uint)sizeof(sock_fprog));
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Check(SysResult result, string what)
    {
        if (result.IsError)
            throw new NetmapException(result.Errno, $"open ({what})", _port, result.Errno switch
            {
                Errno.ENODEV => "the interface is gone",
                Errno.ENOMEM => "no memory for the packet socket's ring; use smaller rings",
                Errno.EPERM => "the kernel does not allow it to this user",
                _ => "the kernel refused",
            });
    }
}
