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

    /// <summary>Drops of all rings by reason; only reasons that occurred.</summary>
    public IReadOnlyDictionary<DropReason, long> Drops =>
        Tx.Concat(Rx).SelectMany(r => r.Drops).GroupBy(d => d.Key).ToDictionary(g => g.Key, g => g.Sum(d => d.Value));
}

/// <summary>Counters of one ring, 64 bits each (spec 5.6).</summary>
public sealed record RingStatistics
{
    /// <summary>Number of the ring, from 0.</summary>
    public required int Ring { get; init; }

    /// <summary>Frames sent or received (txpkt, rxpkt).</summary>
    public required long Packets { get; init; }

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

    /// <summary>Received frames whose missing checksum was completed.</summary>
    public required long ChecksumsCompleted { get; init; }

    /// <summary>Received frames whose stripped VLAN tag was put back.</summary>
    public required long VlanTagsRestored { get; init; }

    /// <summary>Frames lost by reason; only reasons that occurred.</summary>
    public required IReadOnlyDictionary<DropReason, long> Drops { get; init; }
}
