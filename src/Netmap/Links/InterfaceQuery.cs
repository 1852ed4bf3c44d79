using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>
/// Questions about kernel interfaces (netdevice(7)). The socket decides the network namespace they are asked in: the one
/// it was made in.
/// </summary>
internal static unsafe class InterfaceQuery
{
    /// <summary>How often an interface may change its name while it is asked about.</summary>
    private const int MostRenames = 3;

    /// <summary>A socket to ask through, in the calling thread's namespace.</summary>
    /// <exception cref="NetmapException">EMFILE.</exception>
    public static SafeDescriptor OpenSocket()
    {
        SysResult fd = SysSocket.socket(SysSocket.AF_INET, SysSocket.SOCK_DGRAM | SysSocket.SOCK_CLOEXEC, 0);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open control socket", null, "no socket to ask about interfaces; raise `ulimit -n`");
        return new SafeDescriptor(fd.Int32);
    }

    /// <summary>The interface's index, or ENODEV.</summary>
    public static SysResult Index(int socket, string name)
    {
        SysResult result = Ask(socket, LinuxSockios.SIOCGIFINDEX, name, out ifreq request);
        return result.IsError ? result : SysResult.Ok(request.ifr_ifindex);
    }

    /// <summary>The present name of the interface with this index, or null when it is gone.</summary>
    public static string? Name(int socket, int index)
    {
        ifreq request = new() { ifr_ifindex = index };
        return SysIoctl.ioctl(socket, LinuxSockios.SIOCGIFNAME, &request).IsError
            ? null
            : Text(request.ifr_name, LinuxIf.IFNAMSIZ);
    }

    /// <summary>Bytes of payload.</summary>
    public static SysResult Mtu(int socket, string name)
    {
        SysResult result = Ask(socket, LinuxSockios.SIOCGIFMTU, name, out ifreq request);
        return result.IsError ? result : SysResult.Ok(request.ifr_mtu);
    }

    /// <summary>IFF_* bits.</summary>
    public static SysResult Flags(int socket, string name)
    {
        SysResult result = Ask(socket, LinuxSockios.SIOCGIFFLAGS, name, out ifreq request);
        return result.IsError ? result : SysResult.Ok((ushort)request.ifr_flags);
    }

    /// <summary>IFF_* bits of the interface with this index, whatever its name is by now, or ENODEV. Asked before each sleep.</summary>
    public static SysResult Flags(int socket, int index)
    {
        SysResult result = Ask(socket, LinuxSockios.SIOCGIFFLAGS, index, null, out ifreq request);
        return result.IsError ? result : SysResult.Ok((ushort)request.ifr_flags);
    }

    /// <summary>Bytes of payload, or ENODEV.</summary>
    public static SysResult Mtu(int socket, int index)
    {
        SysResult result = Ask(socket, LinuxSockios.SIOCGIFMTU, index, null, out ifreq request);
        return result.IsError ? result : SysResult.Ok(request.ifr_mtu);
    }

    /// <summary>As <see cref="Ethtool(int, string, void*)"/>, by index.</summary>
    public static SysResult Ethtool(int socket, int index, void* command) =>
        Ask(socket, LinuxSockios.SIOCETHTOOL, index, command, out _);

    /// <summary>Six bytes, all 0 where the interface has none.</summary>
    public static byte[] Mac(int socket, string name) =>
        Ask(socket, LinuxSockios.SIOCGIFHWADDR, name, out ifreq request).IsError
            ? new byte[6]
            : new ReadOnlySpan<byte>(request.ifr_hwaddr.sa_data, 6).ToArray();

    /// <summary>An ethtool command on the interface; <paramref name="command"/> is a struct of <c>linux/ethtool.h</c>.</summary>
    public static SysResult Ethtool(int socket, string name, void* command)
    {
        if (!TryRequest(name, out ifreq request))
            return SysResult.Error(Errno.ENODEV);
        request.ifr_data = command;
        return SysIoctl.ioctl(socket, LinuxSockios.SIOCETHTOOL, &request);
    }

    public static string Text(byte* field, int length)
    {
        ReadOnlySpan<byte> bytes = new(field, length);
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    private static SysResult Ask(int socket, uint question, string name, out ifreq request)
    {
        if (!TryRequest(name, out request))
            return SysResult.Error(Errno.ENODEV);
        fixed (ifreq* asked = &request)
            return SysIoctl.ioctl(socket, question, asked);
    }

    /// <summary>
    /// Asks about the interface of this index. Allocates nothing: such questions are asked on the data path.
    /// </summary>
    private static SysResult Ask(int socket, uint question, int index, void* data, out ifreq request)
    {
        for (int left = MostRenames; ; left--)
        {
            // The answer to the first question is the second one: the name.
            request = new() { ifr_ifindex = index };
            fixed (ifreq* asked = &request)
            {
                SysResult result = SysIoctl.ioctl(socket, LinuxSockios.SIOCGIFNAME, asked);
                if (result.IsError)
                    return result;
                request.ifr_data = data;
                result = SysIoctl.ioctl(socket, question, asked);
                // ENODEV: renamed between the two, or on its way out.
                if (result.Errno != Errno.ENODEV || left == 0)
                    return result;
            }
        }
    }

    /// <summary>False for a name no interface can have: cut short it could be another interface's.</summary>
    private static bool TryRequest(string name, out ifreq request)
    {
        request = default;
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) >= LinuxIf.IFNAMSIZ)
            return false;
        fixed (byte* field = request.ifr_name)
            Encoding.UTF8.GetBytes(name, new Span<byte>(field, LinuxIf.IFNAMSIZ));
        return true;
    }
}
