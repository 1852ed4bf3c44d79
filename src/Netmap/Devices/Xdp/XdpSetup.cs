using Netmap.Bpf.Filters;
using Netmap.Devices.Xdp.Gear;

namespace Netmap.Devices.Xdp;

/// <summary>What <see cref="XdpDevice.Start"/> needs.</summary>
internal sealed class XdpSetup
{
    /// <summary>netmap's buffer pool.</summary>
    public required nint Buffers { get; init; }

    /// <summary>The pool where eBPF programs reach it, or null.</summary>
    public required GearPool? Reachable { get; init; }

    /// <summary>Bytes of the pool.</summary>
    public required long PoolBytes { get; init; }

    public required int BufferSize { get; init; }

    public required int TxSlots { get; init; }

    /// <summary>Buffers each receive queue may have at a time.</summary>
    public required uint RxBuffers { get; init; }

    /// <summary>Receive queues a program may hand frames from.</summary>
    public required int RxQueues { get; init; }

    public required RingCounters[] RxCounters { get; init; }

    public required RingCounters[] TxCounters { get; init; }

    /// <summary>How long a receive call may poll the driver's queue; zero for no busy polling.</summary>
    public required TimeSpan BusyPoll { get; init; }

    public required NativeGear Gear { get; init; }

    /// <summary>Where the driver has no XDP, the program may run behind it even if it does not see all of the frames there.</summary>
    public required bool MayMissTags { get; init; }

    /// <summary>What to take from the host; null for everything.</summary>
    public required FrameFilter? Filter { get; init; }

    public required Action<LinkState> LinkChanged { get; init; }
}
