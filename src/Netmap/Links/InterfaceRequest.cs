using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>Puts interface names into ioctl arguments and reads them back.</summary>
internal static unsafe class InterfaceRequest
{
    /// <summary>An argument for the interface <paramref name="name"/>; false when no interface can have that name.</summary>
    public static bool TryCreate(string name, out ifreq request)
    {
        request = default;
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) >= NetIf.IFNAMSIZ)
            return false;
        fixed (byte* target = request.ifr_name)
            Encoding.UTF8.GetBytes(name, new Span<byte>(target, NetIf.IFNAMSIZ));
        return true;
    }

    /// <summary>One ioctl by name; ENODEV for a name no interface can have.</summary>
    public static SysResult Call(int fd, uint command, string name, out ifreq request)
    {
        if (!TryCreate(name, out request))
            return SysResult.Error(Errno.ENODEV);
        fixed (ifreq* argument = &request)
            return SysIoctl.ioctl(fd, command, argument);
    }

    /// <summary>The text before the first zero byte of a fixed-size C string.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
