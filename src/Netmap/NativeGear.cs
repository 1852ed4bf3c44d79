namespace Netmap;

/// <summary>
/// How a native port moves frames where the driver has no zero-copy. The fast gear sends whole batches without building
/// socket buffers, and receives through memory that an eBPF program fills.
/// </summary>
public enum NativeGear
{
    /// <summary>The fast gear where it can be had, and for syncs with enough frames to gain by it. The default.</summary>
    Auto,

    /// <summary>XDP sockets alone.</summary>
    Plain,

    /// <summary>
    /// The fast gear for every frame it can take. Where it cannot be had the port is not opened natively, unless the driver
    /// has zero-copy: there a port opens with XDP sockets alone, as its mode says.
    /// </summary>
    Fast,
}
