using System.Diagnostics;
using HdrHistogram;
using Netmap.Links;

namespace Netmap.Cli.Bench.Software;

/// <summary>One packet there and back over a pipe between two threads, on a core each where there are two.</summary>
internal sealed class LatencyBench(bool blocking) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly PipeEnds _pipe = new();
    private readonly byte[] _frame = Frames.Make(60);
    private Exception? _failure;

    /// <summary>Measures <paramref name="trips"/> round trips after a tenth as many that do not count.</summary>
    /// <returns>Nanoseconds.</returns>
    /// <exception cref="TimeoutException">A packet did not come back.</exception>
    public LongHistogram Run(long trips)
    {
        LongHistogram histogram = new(10_000_000_000, 3);
        bool stop = false;
        Thread echo = new(() => Guard(() => Echo(ref stop)));
        Thread ping = new(() => Guard(() => Ping(trips, histogram, ref stop)));
        echo.Start();
        ping.Start();
        ping.Join();
        Volatile.Write(ref stop, true);
        Send(_pipe.Sender);
        echo.Join();
        return _failure is null ? histogram : throw _failure;
    }

    public void Dispose() => _pipe.Dispose();

    private void Ping(long trips, LongHistogram histogram, ref bool stop)
    {
        CpuAffinity.Pin(0);
        for (long i = -trips / 10; i < trips; i++)
        {
            long sent = Stopwatch.GetTimestamp();
            Send(_pipe.Sender);
            Receive(_pipe.Sender, ref stop);
            long nanoseconds = (long)Stopwatch.GetElapsedTime(sent).TotalNanoseconds;
            if (i >= 0)
                histogram.RecordValue(Math.Clamp(nanoseconds, 1, histogram.HighestTrackableValue));
        }
    }

    private void Echo(ref bool stop)
    {
        CpuAffinity.Pin(Environment.ProcessorCount > 1 ? 1 : 0);
        while (Receive(_pipe.Receiver, ref stop))
            Send(_pipe.Receiver);
    }

    private void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            _failure ??= e;
        }
    }

    private void Send(NetmapPort port)
    {
        port.TxRings[0].TrySend(_frame);
        port.TxSync();
    }

    /// <summary>Waits for a packet and gives its slot back; false when it was the last one.</summary>
    private bool Receive(NetmapPort port, ref bool stop)
    {
        RxRing ring = port.RxRings[0];
        long started = Stopwatch.GetTimestamp();
        while (ring.Available == 0)
        {
            if (blocking)
                port.Poll(PollEvents.Receive, s_patience);
            else
                port.RxSync();
            if (Stopwatch.GetElapsedTime(started) > s_patience)
                throw new TimeoutException("a packet did not come back over the pipe");
        }
        ring.Advance(ring.Available);
        return !Volatile.Read(ref stop);
    }
}
