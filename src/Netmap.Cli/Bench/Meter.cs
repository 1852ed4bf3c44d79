using System.Diagnostics;

namespace Netmap.Cli.Bench;

/// <summary>Wall time, CPU time, and what the garbage collector did meanwhile.</summary>
internal sealed class Meter
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly TimeSpan _cpu = Process.GetCurrentProcess().TotalProcessorTime;
    private readonly int _collections = GC.CollectionCount(0);

    public double Seconds => Stopwatch.GetElapsedTime(_started).TotalSeconds;

    public Round Stop(long frames, double loss, long allocated)
    {
        double seconds = Seconds;
        return new Round(frames / seconds / 1e6, loss, (Process.GetCurrentProcess().TotalProcessorTime - _cpu).TotalSeconds / seconds,
            frames == 0 ? 0 : (double)allocated / frames, GC.CollectionCount(0) - _collections);
    }
}
