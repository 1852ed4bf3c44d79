using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>One queue of an interface: its XDP socket, and what the kernel counted on it.</summary>
internal sealed class XdpQueue(XskSocket socket, RingCounters? tx, RingCounters? rx) : IDisposable
{
    private readonly Lock _lock = new();
    private xdp_statistics _seen;
    private bool _disposed;

    public XskSocket Socket { get; } = socket;

    /// <summary>
    /// Adds what the kernel counted since the last call. It counts a frame without a fill descriptor twice, as dropped and
    /// by its reason; what is dropped beyond that is longer than what is left of its buffer.
    /// </summary>
    public void RefreshCounters()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            xdp_statistics now = Socket.Statistics();
            ulong unfilled = now.rx_fill_ring_empty_descs - _seen.rx_fill_ring_empty_descs;
            ulong dropped = now.rx_dropped - _seen.rx_dropped;
            Add(rx, DropReason.NoFillDescriptor, Math.Min(unfilled, dropped));
            Add(rx, DropReason.FrameTooLong, dropped - Math.Min(unfilled, dropped));
            Add(rx, DropReason.KernelRingFull, now.rx_ring_full - _seen.rx_ring_full);
            Add(rx, DropReason.InvalidDescriptor, now.rx_invalid_descs - _seen.rx_invalid_descs);
            Add(tx, DropReason.InvalidDescriptor, now.tx_invalid_descs - _seen.tx_invalid_descs);
            _seen = now;
        }
    }

    /// <summary>When it returns the kernel touches no frame of this queue any more.</summary>
    public void Dispose()
    {
        RefreshCounters();
        lock (_lock)
            _disposed = true;
        Socket.Dispose();
    }

    private static void Add(RingCounters? counters, DropReason reason, ulong frames)
    {
        if (frames > 0)
            counters?.Drop(reason, (long)frames);
    }
}
