using System.Text;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices.Tap;

/// <summary><c>tap:NAME</c>: the wire side of a TAP interface, made when it is missing.</summary>
internal sealed class TapDeviceFactory : IDeviceFactory
{
    public const string Prefix = "tap:";

    public string? Identify(string name)
    {
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        string tap = name[Prefix.Length..];
        if (tap.Length == 0 || Encoding.UTF8.GetByteCount(tap) >= LinuxIf.IFNAMSIZ)
            throw new NetmapException(Errno.EINVAL, "open", name, $"a TAP interface's name has 1..{LinuxIf.IFNAMSIZ - 1} bytes");
        // The driver reads "%d" as "the next free number": another interface than the one asked for.
        if (tap.Contains('%', StringComparison.Ordinal))
            throw new NetmapException(Errno.EINVAL, "open", name, "'%' cannot be in a TAP interface's name; choose another");
        return $"tap:{PortSpace.Current()}/{tap}";
    }

    public IDevice Open(string name) => new TapDevice(name, name[Prefix.Length..]);
}
