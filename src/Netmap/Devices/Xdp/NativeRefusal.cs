using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>The native way is closed here, the generic one is not: whoever may choose takes that and tells why.</summary>
/// <param name="errno">What the kernel said.</param>
/// <param name="reason">One line: what is missing and what to do.</param>
internal sealed class NativeRefusal(Errno errno, string reason) : Exception(reason)
{
    public Errno Errno { get; } = errno;

    /// <summary>As an error, for those who want native or nothing.</summary>
    public NetmapException AsError(string port) => new(Errno, "open natively", port, Message);
}
