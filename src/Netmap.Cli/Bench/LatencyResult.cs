using HdrHistogram;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>Round trips of one case, of all its rounds together.</summary>
internal sealed class LatencyResult(string name)
{
    private long _allocated;

    public static string[] Columns => ["case", "round trips", "p50", "p99", "p99.9", "max", "GC", "bytes/trip"];

    public string Name => name;

    /// <summary>Nanoseconds, 1 to 10 s.</summary>
    public LongHistogram Trips { get; } = new(10_000_000_000, 3);

    /// <summary>What it was measured on; null where that was no port.</summary>
    public PortInfo? Port { get; set; }

    /// <summary>Garbage collections.</summary>
    public int Collections { get; set; }

    public long Median => Trips.GetValueAtPercentile(50);

    private double AllocatedPerTrip => (double)_allocated / Math.Max(1, Trips.TotalCount);

    /// <summary>Bytes that either thread allocated, its start and end included; both may call at once.</summary>
    public void AddAllocated(long bytes) => Interlocked.Add(ref _allocated, bytes);

    public string[] Row() =>
    [
        name, $"{Trips.TotalCount}", $"{Median}", $"{Trips.GetValueAtPercentile(99)}", $"{Trips.GetValueAtPercentile(99.9)}",
        $"{Trips.GetMaxValue()}", $"{Collections}", $"{AllocatedPerTrip:F4}",
    ];

    /// <param name="bench">Its name.</param>
    /// <param name="toOurs">Median over that of our own port that waits the same way; null where there is none to compare.</param>
    public void WriteJson(string bench, double? toOurs = null) => Output.Json(new
    {
        Bench = bench,
        Case = name,
        RoundTrips = Trips.TotalCount,
        P50Ns = Median,
        P99Ns = Trips.GetValueAtPercentile(99),
        P999Ns = Trips.GetValueAtPercentile(99.9),
        MaxNs = Trips.GetMaxValue(),
        P50ToOurs = toOurs is { } ratio ? Math.Round(ratio, 3) : (double?)null,
        AllocBytesPerTrip = Math.Round(AllocatedPerTrip, 4),
        Gc = Collections,
        Port?.Driver,
        Port?.Adapter,
        Port?.Mode,
        Port?.Gear,
        MachineCores = Environment.ProcessorCount,
        Machine.Processor,
        Machine.Kernel,
    });
}
