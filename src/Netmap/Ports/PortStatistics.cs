namespace Netmap;

/// <summary>Counters of all rings of a port since its adapter came into being; the difference of two snapshots gives rates.</summary>
public sealed record PortStatistics
{
    /// <summary>When the snapshot was taken, UTC.</summary>
    public required DateTimeOffset Taken { get; init; }

    /// <summary>One entry for each transmit ring.</summary>
    public required IReadOnlyList<RingStatistics> Tx { get; init; }

    /// <summary>One entry for each receive ring.</summary>
    public required IReadOnlyList<RingStatistics> Rx { get; init; }

    /// <summary>One entry for each host transmit ring, numbered from 0: frames to the host, those forwarded from <see cref="Rx"/> not included.</summary>
    public IReadOnlyList<RingStatistics> HostTx { get; init; } = [];

    /// <summary>One entry for each host receive ring, numbered from 0: frames from the host.</summary>
    public IReadOnlyList<RingStatistics> HostRx { get; init; } = [];

    /// <summary>
    /// netmap's RATE statistics: events per second of all rings of the interface together between an earlier snapshot and this one.
    /// </summary>
    /// <param name="earlier">A snapshot of the same port.</param>
    /// <exception cref="ArgumentException"><paramref name="earlier"/> is not earlier.</exception>
    public PortRates RatesSince(PortStatistics earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        double seconds = (Taken - earlier.Taken).TotalSeconds;
        if (seconds <= 0)
            throw new ArgumentException("the other snapshot must be earlier", nameof(earlier));
        return new()
        {
            TxPackets = Rate(Tx, earlier.Tx, ring => ring.Packets),
            TxSyncs = Rate(Tx, earlier.Tx, ring => ring.Syncs),
            TxNotifications = Rate(Tx, earlier.Tx, ring => ring.Notifications),
            TxReplenished = Rate(Tx, earlier.Tx, ring => ring.Replenished),
            TxDrops = Rate(Tx, earlier.Tx, ring => ring.Drops.Values.Sum()),
            RxPackets = Rate(Rx, earlier.Rx, ring => ring.Packets),
            RxNotifications = Rate(Rx, earlier.Rx, ring => ring.Notifications),
            RxSyncs = Rate(Rx, earlier.Rx, ring => ring.Syncs),
        };

        double Rate(IReadOnlyList<RingStatistics> now, IReadOnlyList<RingStatistics> then, Func<RingStatistics, long> counter) =>
            (now.Sum(counter) - then.Sum(counter)) / seconds;
    }

    /// <summary>Drops of all rings by reason; only reasons that occurred.</summary>
    public IReadOnlyDictionary<DropReason, long> Drops =>
        Tx.Concat(Rx).Concat(HostTx).Concat(HostRx).SelectMany(r => r.Drops).GroupBy(d => d.Key).ToDictionary(g => g.Key, g => g.Sum(d => d.Value));
}

/// <summary>Events per second (spec 5.6): txpkt, txsync, txirq, txrepl, txdrop, rxpkt, rxirq, rxsync.</summary>
public sealed record PortRates
{
    /// <summary>Frames sent.</summary>
    public required double TxPackets { get; init; }

    /// <summary>Transmit syncs.</summary>
    public required double TxSyncs { get; init; }

    /// <summary>Completion events.</summary>
    public required double TxNotifications { get; init; }

    /// <summary>Transmit buffers allocated or replaced.</summary>
    public required double TxReplenished { get; init; }

    /// <summary>Frames dropped on transmit rings.</summary>
    public required double TxDrops { get; init; }

    /// <summary>Frames received.</summary>
    public required double RxPackets { get; init; }

    /// <summary>Receive notifications.</summary>
    public required double RxNotifications { get; init; }

    /// <summary>Receive syncs.</summary>
    public required double RxSyncs { get; init; }
}

/// <summary>Counters of one ring, 64 bits each (spec 5.6).</summary>
public sealed record RingStatistics
{
    /// <summary>Number of the ring, from 0.</summary>
    public required int Ring { get; init; }

    /// <summary>Frames sent or received (txpkt, rxpkt).</summary>
    public required long Packets { get; init; }

    /// <summary>Those of them that went in the fast gear of a native port.</summary>
    public required long FastPackets { get; init; }

    /// <summary>Their bytes, without FCS.</summary>
    public required long Bytes { get; init; }

    /// <summary>Syncs (txsync, rxsync).</summary>
    public required long Syncs { get; init; }

    /// <summary>Wake-ups passed to waiting programs (txirq, rxirq).</summary>
    public required long Notifications { get; init; }

    /// <summary>Transmit buffers allocated or replaced (txrepl); 0 on receive rings.</summary>
    public required long Replenished { get; init; }

    /// <summary>Times the device had no room for a frame that was then kept; no loss.</summary>
    public required long Refusals { get; init; }

    /// <summary>Received frames that took several slots.</summary>
    public required long Scattered { get; init; }

    /// <summary>Super-frames of the host that were cut into frames of the wire's size; <see cref="Packets"/> counts those.</summary>
    public long Segmented { get; init; }

    /// <summary>Received frames whose missing checksum was completed.</summary>
    public required long ChecksumsCompleted { get; init; }

    /// <summary>Received frames whose stripped VLAN tag was put back.</summary>
    public required long VlanTagsRestored { get; init; }

    /// <summary>Frames lost by reason; only reasons that occurred.</summary>
    public required IReadOnlyDictionary<DropReason, long> Drops { get; init; }
}
