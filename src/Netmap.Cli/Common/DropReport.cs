namespace Netmap.Cli.Common;

/// <summary>What a port lost, and whose frames they were: a port that only sends loses frames that others sent to it, too.</summary>
internal static class DropReport
{
    /// <summary>For JSON: by the rings that lost the frames, then by reason; only what occurred.</summary>
    public static Dictionary<string, Dictionary<DropReason, long>> Object(PortStatistics statistics) => Kinds(statistics)
        .Where(kind => kind.Drops.Count > 0)
        .ToDictionary(kind => kind.Name, kind => kind.Drops);

    /// <summary>A line for each kind of ring and reason, such as <c>dropped 2 frames from the host: NobodyReceives</c>.</summary>
    public static IEnumerable<string> Lines(PortStatistics statistics) =>
        from kind in Kinds(statistics)
        from drop in kind.Drops
        select $"dropped {drop.Value} frames {kind.Words}: {drop.Key}";

    private static (string Name, string Words, Dictionary<DropReason, long> Drops)[] Kinds(PortStatistics statistics) =>
    [
        ("Sent", "sent", Sum(statistics.Tx)),
        ("Received", "received", Sum(statistics.Rx)),
        ("ToHost", "to the host", Sum(statistics.HostTx)),
        ("FromHost", "from the host", Sum(statistics.HostRx)),
    ];

    private static Dictionary<DropReason, long> Sum(IReadOnlyList<RingStatistics> rings) =>
        rings.SelectMany(ring => ring.Drops).GroupBy(drop => drop.Key).ToDictionary(drops => drops.Key, drops => drops.Sum(drop => drop.Value));
}
