using HdrHistogram;

namespace Netmap.Cli.Bench;

/// <summary>Round trips of one case, of all its rounds together.</summary>
internal sealed class LatencyResult(string name)
{
    private long _allocated;

    public string Name => name;

    /// <summary>Nanoseconds, 1 to 10 s.</summary>
    public LongHistogram Trips { get; } = new(10_000_000_000, 3);

    /// <summary>What it was measured on; null where that was no port.</summary>
    public PortInfo? Port { get; set; }

    /// <summary>Garbage collections.</summary>
    public int Collections { get; set; }

    public long Median => Trips.GetValueAtPercentile(50);

    public double AllocatedPerTrip => (double)_allocated / Math.Max(1, Trips.TotalCount);

    /// <summary>Bytes that either thread allocated, its start and end included; both may call at once.</summary>
    public void AddAllocated(long bytes) => Interlocked.Add(ref _allocated, bytes);
}
