using System.Diagnostics;
using HdrHistogram;
using Netmap.Links;

namespace Netmap.Cli.Bench;

/// <summary>One end of a ping-pong; each end is one thread's.</summary>
internal interface IPingEnd
{
    void Send();

    /// <summary>Waits in its own way, or looks once, and takes what came; false when nothing did.</summary>
    bool TryReceive();
}

/// <summary>One packet there and back between two threads, on a core each where there are two.</summary>
internal sealed class PingPong(IPingEnd near, IPingEnd far)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private Exception? _failure;
    private bool _stop;

    /// <summary>Measures <paramref name="trips"/> round trips after a tenth as many that do not count.</summary>
    /// <exception cref="TimeoutException">A packet did not come back.</exception>
    public void Run(long trips, LatencyResult result)
    {
        int collections = GC.CollectionCount(0);
        Thread echo = new(() => Guard(result, Echo));
        Thread ping = new(() => Guard(result, () => Ping(trips, result.Trips)));
        echo.Start();
        ping.Start();
        ping.Join();
        Volatile.Write(ref _stop, true);
        near.Send();
        echo.Join();
        result.Collections += GC.CollectionCount(0) - collections;
        if (_failure is not null)
            throw _failure;
    }

    private void Ping(long trips, LongHistogram histogram)
    {
        CpuAffinity.Pin(0);
        for (long i = -trips / 10; i < trips; i++)
        {
            long sent = Stopwatch.GetTimestamp();
            near.Send();
            Receive(near);
            long nanoseconds = (long)Stopwatch.GetElapsedTime(sent).TotalNanoseconds;
            if (i >= 0)
                histogram.RecordValue(Math.Clamp(nanoseconds, 1, histogram.HighestTrackableValue));
        }
    }

    private void Echo()
    {
        CpuAffinity.Pin(Environment.ProcessorCount > 1 ? 1 : 0);
        while (Receive(far))
            far.Send();
    }

    /// <summary>False when the packet was the last one.</summary>
    private bool Receive(IPingEnd end)
    {
        long started = Stopwatch.GetTimestamp();
        while (!end.TryReceive())
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
                throw new TimeoutException("a packet did not come back");
        }
        return !Volatile.Read(ref _stop);
    }

    private void Guard(LatencyResult result, Action work)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            work();
        }
        catch (Exception e)
        {
            _failure ??= e;
        }
        result.AddAllocated(GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
