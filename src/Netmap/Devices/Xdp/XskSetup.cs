using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>What an XDP socket is made for.</summary>
internal sealed record XskSetup
{
    /// <summary>Interface, in the calling thread's namespace.</summary>
    public required int InterfaceIndex { get; init; }

    public required int Queue { get; init; }

    /// <summary>Where frames lie.</summary>
    public required UmemArea Memory { get; init; }

    /// <summary>Entries of the transmit and completion rings, a power of two.</summary>
    public required uint TxEntries { get; init; }

    /// <summary>Entries of the receive and fill rings, a power of two; 0 for a socket that only sends.</summary>
    public uint RxEntries { get; init; }

    /// <summary>XDP_COPY, XDP_ZEROCOPY, XDP_USE_NEED_WAKEUP, XDP_USE_SG; not looked at beside <see cref="SharedWith"/>.</summary>
    public ushort Flags { get; init; } = LinuxIfXdp.XDP_COPY;

    /// <summary>A bound socket over the same memory: its registration is used, and its flags.</summary>
    public XskSocket? SharedWith { get; init; }
}

/// <summary>What the kernel refused while an XDP socket was made.</summary>
internal enum XskStep
{
    Socket,

    /// <summary>ENOBUFS: more memory than this user may lock.</summary>
    Memory,
    Rings,

    /// <summary>EBUSY the queue has a socket already; EINVAL no such queue or flag; EOPNOTSUPP no zero-copy.</summary>
    Bind,
}
