using HdrHistogram;

namespace Netmap.Cli.Bench;

/// <summary>What one case of a benchmark gave: one object of <c>--json</c>, one row of a table. All benchmarks have this shape.</summary>
internal sealed record CaseReport
{
    public required string Bench { get; init; }

    public required string Case { get; init; }

    /// <summary>Our rate or time, in <see cref="Unit"/>: the median.</summary>
    public required double Ours { get; init; }

    /// <summary><c>Mpps</c>, <c>ns</c> or <c>ms</c>.</summary>
    public required string Unit { get; init; }

    /// <summary>What was measured beside it, in the same run.</summary>
    public IReadOnlyList<PeerReport> Peers { get; init; } = [];

    /// <summary>Part of the frames that were lost, 0..1; null where none are counted.</summary>
    public double? Loss { get; init; }

    /// <summary>Null where none were counted.</summary>
    public Allocations? Allocations { get; init; }

    /// <summary>CPU time over wall time, 1 is one core; null where it was not taken.</summary>
    public double? Cpu { get; init; }

    /// <summary>How <see cref="Ours"/> is spread, where it is a time; in the same unit.</summary>
    public Spread? Spread { get; init; }

    public required CaseMode Mode { get; init; }

    public Machine Machine { get; } = Machine.Current;

    /// <summary>A case that was measured in frames a second.</summary>
    public static CaseReport Rate(string bench, string @case, Round ours, IEnumerable<PeerReport> peers, CaseMode mode) => new()
    {
        Bench = bench,
        Case = @case,
        Ours = Math.Round(ours.Mpps, 3),
        Unit = MeasureUnit.Rate,
        Peers = [.. peers],
        Loss = Math.Round(ours.Loss, 4),
        Allocations = new(Math.Round(ours.AllocatedPerPacket, 4), ours.Collections),
        Cpu = Math.Round(ours.Cpu, 2),
        Mode = mode.On(ours.Port),
    };

    /// <summary>A case that was measured in round trips.</summary>
    public static CaseReport Times(string bench, LatencyResult ours, IEnumerable<PeerReport> peers, CaseMode mode) => new()
    {
        Bench = bench,
        Case = ours.Name,
        Ours = ours.Median,
        Unit = MeasureUnit.Nanoseconds,
        Peers = [.. peers],
        Allocations = new(Math.Round(ours.AllocatedPerTrip, 4), ours.Collections),
        Spread = Spread.Of(ours.Trips),
        Mode = mode.On(ours.Port),
    };
}

/// <summary>What our figure stands beside.</summary>
/// <param name="Name">What it is, such as <c>bare-loop</c>.</param>
/// <param name="Value">In the case's unit; null where it was not measured.</param>
/// <param name="Ratio">How many times better ours is: 2 is twice the rate, or half the time.</param>
/// <param name="Loss">Part of its frames that were lost; null where none are counted.</param>
/// <param name="Missing">Why it was not measured, and what to do.</param>
internal sealed record PeerReport(string Name, double? Value, double? Ratio, double? Loss = null, string? Missing = null)
{
    /// <summary>Beside a rate of ours; <paramref name="peer"/> is null where DPDK is not installed.</summary>
    public static PeerReport Rate(string name, Round ours, Round? peer) => peer is null
        ? new(name, null, null, Missing: $"apt-get install {DpdkPeer.Package}")
        : new(name, Math.Round(peer.Mpps, 3), Math.Round(ours.Mpps / peer.Mpps, 3), Math.Round(peer.Loss, 4));

    /// <summary>Beside a time of ours.</summary>
    public static PeerReport Time(string name, double ours, double peer) => new(name, peer, Math.Round(peer / ours, 3));
}

/// <summary>What the managed heap had to give.</summary>
/// <param name="BytesEach">For each frame or round trip.</param>
/// <param name="Collections">Garbage collections meanwhile.</param>
internal sealed record Allocations(double BytesEach, int Collections);

/// <summary>How times are spread; null where there are too few of them to say.</summary>
internal sealed record Spread(long Count, double Least, double P90, double? P99, double? P999, double Most)
{
    public static Spread Of(LongHistogram times) => new(times.TotalCount, times.GetValueAtPercentile(0), times.GetValueAtPercentile(90),
        times.GetValueAtPercentile(99), times.GetValueAtPercentile(99.9), times.GetMaxValue());
}

/// <summary>What a case moved, and how our side ran; null where a member does not apply.</summary>
internal sealed record CaseMode
{
    /// <summary>Of each frame, without FCS.</summary>
    public int? Bytes { get; init; }

    /// <summary>Frames a sync.</summary>
    public int? Batch { get; init; }

    /// <summary>What is on which core.</summary>
    public string? Cores { get; init; }

    public string? Driver { get; init; }

    public string? Adapter { get; init; }

    /// <summary>Of the port, as it says.</summary>
    public string? Port { get; init; }

    public string? Gear { get; init; }

    /// <summary>With what a port says of itself.</summary>
    public CaseMode On(PortInfo? port) => port is null ? this : this with { Driver = port.Driver, Adapter = port.Adapter, Port = port.Mode, Gear = port.Gear };
}

/// <summary>Units of what is measured.</summary>
internal static class MeasureUnit
{
    public const string Rate = "Mpps";
    public const string Nanoseconds = "ns";
    public const string Milliseconds = "ms";
}
