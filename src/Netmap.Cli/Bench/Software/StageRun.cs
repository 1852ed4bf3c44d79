using Netmap.Links;

namespace Netmap.Cli.Bench.Software;

/// <summary>Runs stages, each on a thread and a core of its own, and measures the rate of one of them.</summary>
internal static class StageRun
{
    /// <summary>Not counted: the just-in-time compiler is at work, more so at first.</summary>
    private static readonly TimeSpan s_firstWarmup = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_warmup = TimeSpan.FromMilliseconds(60);

    /// <summary>Frames that may be sent between two reads of the counters: a batch or two.</summary>
    private const int ReadSlack = 1024;

    private static bool s_warm;

    /// <param name="stages">In the order packets pass them; the first sends.</param>
    /// <param name="window">Counted.</param>
    /// <param name="counted">Whose packets count; the last one's, unless another is named.</param>
    public static Round Measure(Stage[] stages, TimeSpan window, int counted = -1)
    {
        Stage receiver = stages[counted < 0 ? ^1 : counted];
        bool stop = false;
        Exception? failure = null;
        Thread[] threads = [.. stages.Select((stage, cpu) => new Thread(() =>
        {
            try
            {
                CpuAffinity.Pin(cpu);
                stage.Run(ref stop);
            }
            catch (Exception e)
            {
                failure = e;
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        Thread.Sleep(s_warm ? s_warmup : s_firstWarmup);
        s_warm = true;
        GC.Collect();
        (long sentBefore, long receivedBefore) = Read(stages[0], receiver);
        Meter meter = new();
        Thread.Sleep(window);
        (long sent, long received) = Read(stages[0], receiver);
        (sent, received) = (sent - sentBefore, received - receivedBefore);
        Round round = meter.Stop(received, 0, 0);
        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads)
            thread.Join();
        if (failure is not null)
            throw failure;
        // What the rings hold at either end of the window is not lost.
        long missing = sent - received;
        return round with
        {
            Loss = missing > receiver.Holds + ReadSlack ? (double)missing / sent : 0,
            AllocatedPerPacket = (double)stages.Sum(stage => stage.Allocated) / Math.Max(1, receiver.Packets),
        };
    }

    /// <summary>
    /// Both counters of one moment. This thread may lose its processor between two reads, and what is received meanwhile would
    /// look like a gain, what is sent like a loss: then it reads again.
    /// </summary>
    private static (long Sent, long Received) Read(Stage sender, Stage receiver)
    {
        while (true)
        {
            long sent = sender.Sent;
            long received = receiver.Packets;
            if (sender.Sent - sent <= ReadSlack)
                return (sent, received);
        }
    }
}
