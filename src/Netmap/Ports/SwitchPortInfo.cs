namespace Netmap;

/// <summary>A port of a switch, at the moment of asking.</summary>
public sealed record SwitchPortInfo
{
    /// <summary>Behind the colon.</summary>
    public required string Name { get; init; }

    /// <summary>Number on the switch (nr_port_idx).</summary>
    public required int Index { get; init; }

    /// <summary>Who is behind it.</summary>
    public required SwitchPortKind Kind { get; init; }

    /// <summary><c>up</c>; <c>down</c>, also where no program has the port open; <c>gone</c> for a deleted interface.</summary>
    public required string Link { get; init; }

    /// <summary>Bytes of virtio-net header before each frame.</summary>
    public required int HeaderLength { get; init; }

    /// <summary>Rings whose frames come into the switch.</summary>
    public required int InRings { get; init; }

    /// <summary>Rings that frames leave the switch through; 0 while no program has the port open.</summary>
    public required int OutRings { get; init; }

    /// <summary>The user whose port it is: who opened, made or attached it.</summary>
    public required string Owner { get; init; }

    /// <summary>Threads poll it without sleeping.</summary>
    public required bool IsPolled { get; init; }
}

/// <summary>Kinds of port (spec 7.2).</summary>
public enum SwitchPortKind
{
    /// <summary>A program's, for as long as it has it open.</summary>
    Ephemeral,

    /// <summary>Made by <see cref="NetmapControl.CreatePort"/>, and there until it is deleted.</summary>
    Persistent,

    /// <summary>An attached interface.</summary>
    Interface,

    /// <summary>The host's stack behind an attached interface.</summary>
    Host,
}

/// <summary>An address a switch knows.</summary>
/// <param name="MacAddress">In the usual notation, <c>02:00:00:00:00:01</c>.</param>
/// <param name="Port">Name of its port.</param>
/// <param name="PortIndex">Number of its port.</param>
/// <param name="Idle">Since it was last seen, in whole seconds.</param>
public sealed record ForwardingEntry(string MacAddress, string Port, int PortIndex, TimeSpan Idle);

/// <summary>What passed through a switch since its ports came into being; the difference of two snapshots gives rates.</summary>
public sealed record SwitchStatistics
{
    /// <summary>When the snapshot was taken, UTC.</summary>
    public required DateTimeOffset Taken { get; init; }

    /// <summary>The user who made the switch.</summary>
    public required string Owner { get; init; }

    /// <summary>Who may have ports on it beside the owner; empty for the owner alone.</summary>
    public string SharedWith { get; init; } = "";

    /// <summary>One entry for each port, by number.</summary>
    public required IReadOnlyList<SwitchPortStatistics> Ports { get; init; }

    /// <summary>Frames lost at all ports by reason; only reasons that occurred.</summary>
    public IReadOnlyDictionary<DropReason, long> Drops => Ports.SelectMany(port => port.InDrops.Concat(port.OutDrops))
        .GroupBy(drop => drop.Key).ToDictionary(group => group.Key, group => group.Sum(drop => drop.Value));
}

/// <summary>Counters of one port, as the switch sees it: in is what comes from the port.</summary>
public sealed record SwitchPortStatistics
{
    /// <summary>Behind the colon.</summary>
    public required string Name { get; init; }

    /// <summary>Number on the switch.</summary>
    public required int Index { get; init; }

    /// <inheritdoc cref="SwitchPortInfo.Owner"/>
    public required string Owner { get; init; }

    /// <summary>Frames that came from the port.</summary>
    public required long InPackets { get; init; }

    /// <summary>Their bytes, without FCS.</summary>
    public required long InBytes { get; init; }

    /// <summary>Frames lost before they reached another port, by reason: received too slowly, malformed, no destination.</summary>
    public required IReadOnlyDictionary<DropReason, long> InDrops { get; init; }

    /// <summary>Frames a program has taken, or an interface has sent.</summary>
    public required long OutPackets { get; init; }

    /// <summary>Their bytes, without FCS.</summary>
    public required long OutBytes { get; init; }

    /// <summary>Frames for this port that were lost, by reason: <see cref="DropReason.DestinationFull"/> for a slow reader.</summary>
    public required IReadOnlyDictionary<DropReason, long> OutDrops { get; init; }
}
