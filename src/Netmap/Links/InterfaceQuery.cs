using Netmap.Interop;

namespace Netmap.Links;

/// <summary>
/// Facts about a kernel interface by ioctl, netdevice(7). <c>fd</c> is any socket, a netlink one
/// included; the interface is looked up in the network namespace that socket was made in, whatever thread calls.
/// An unknown interface is ENODEV.
/// </summary>
internal static unsafe class InterfaceQuery
{
    /// <summary>Bytes of an Ethernet address.</summary>
    public const int MacLength = 6;

    /// <summary>The interface index, at least 1.</summary>
    public static SysResult Index(int fd, string name)
    {
        SysResult result = InterfaceRequest.Call(fd, LinuxSockios.SIOCGIFINDEX, name, out ifreq request);
        return result.IsError ? result : SysResult.Ok(request.ifr_ifindex);
    }

    /// <summary>The present name of an interface index.</summary>
    public static SysResult Name(int fd, int index, out string name)
    {
        ifreq request = default;
        request.ifr_ifindex = index;
        SysResult result = SysIoctl.ioctl(fd, LinuxSockios.SIOCGIFNAME, &request);
        name = result.IsError ? "" : InterfaceRequest.Text(new ReadOnlySpan<byte>(request.ifr_name, NetIf.IFNAMSIZ));
        return result;
    }

    /// <summary>Bytes of payload a frame may carry.</summary>
    public static SysResult Mtu(int fd, string name)
    {
        SysResult result = InterfaceRequest.Call(fd, LinuxSockios.SIOCGIFMTU, name, out ifreq request);
        return result.IsError ? result : SysResult.Ok(request.ifr_mtu);
    }

    /// <summary>Copies the hardware address; the value is its ARPHRD type, 1 for Ethernet.</summary>
    /// <param name="fd">Any socket of the interface's namespace.</param>
    /// <param name="name">The interface.</param>
    /// <param name="mac">At least <see cref="MacLength"/> bytes.</param>
    public static SysResult Mac(int fd, string name, Span<byte> mac)
    {
        SysResult result = InterfaceRequest.Call(fd, LinuxSockios.SIOCGIFHWADDR, name, out ifreq request);
        if (result.IsError)
            return result;
        new ReadOnlySpan<byte>(request.ifr_hwaddr.sa_data, MacLength).CopyTo(mac);
        return SysResult.Ok(request.ifr_hwaddr.sa_family);
    }

    /// <summary>IFF_ flags, <see cref="NetIf"/>.</summary>
    public static SysResult Flags(int fd, string name)
    {
        SysResult result = InterfaceRequest.Call(fd, LinuxSockios.SIOCGIFFLAGS, name, out ifreq request);
        return result.IsError ? result : SysResult.Ok((ushort)request.ifr_flags);
    }

    /// <summary>Sets and clears IFF_ flags; the rest stay.</summary>
    public static SysResult SetFlags(int fd, string name, int set, int clear)
    {
        SysResult result = InterfaceRequest.Call(fd, LinuxSockios.SIOCGIFFLAGS, name, out ifreq request);
        if (result.IsError)
            return result;
        request.ifr_flags = (short)(((ushort)request.ifr_flags | set) & ~clear);
        return SysIoctl.ioctl(fd, LinuxSockios.SIOCSIFFLAGS, &request);
    }
}
