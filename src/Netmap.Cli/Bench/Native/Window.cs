namespace Netmap.Cli.Bench.Native;

/// <summary>What is counted while everything runs: no start and no end of a thread in it.</summary>
internal static class Window
{
    /// <summary>Until the loops of both ends run compiled in full: before, the load costs half as much again.</summary>
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>Counts for this long. Allocations are those of all threads of this process: both ends and the load.</summary>
    /// <param name="time">How long.</param>
    /// <param name="count">Frames so far.</param>
    public static Round Measure(TimeSpan time, Func<long> count)
    {
        long before = count();
        Meter meter = new();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        Thread.Sleep(time);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        return meter.Stop(count() - before, 0, allocated);
    }
}
