using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>How sockets are bound.</summary>
internal static class XskFlags
{
    /// <summary>The kernel copies between frames and skbs or driver pages.</summary>
    public const ushort Copy = LinuxIfXdp.XDP_COPY | LinuxIfXdp.XDP_USE_NEED_WAKEUP;

    /// <summary>As <see cref="Copy"/>, with frames over several buffers.</summary>
    public const ushort CopyScattered = Copy | LinuxIfXdp.XDP_USE_SG;

    /// <summary>The driver reads and writes frames where they are.</summary>
    public const ushort ZeroCopy = LinuxIfXdp.XDP_ZEROCOPY | LinuxIfXdp.XDP_USE_NEED_WAKEUP;

    /// <summary>As <see cref="ZeroCopy"/>, with frames over several buffers.</summary>
    public const ushort ZeroCopyScattered = ZeroCopy | LinuxIfXdp.XDP_USE_SG;
}
