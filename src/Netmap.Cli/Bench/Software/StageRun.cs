using Netmap.Links;

namespace Netmap.Cli.Bench.Software;

/// <summary>Runs stages, each on a thread and a core of its own, and measures the last one's rate.</summary>
internal static class StageRun
{
    /// <summary>Not counted: the just-in-time compiler is at work.</summary>
    private static readonly TimeSpan s_warmup = TimeSpan.FromMilliseconds(250);

    /// <param name="stages">In the order packets pass them; the first sends.</param>
    /// <param name="window">Counted.</param>
    public static Round Measure(Stage[] stages, TimeSpan window)
    {
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
        Thread.Sleep(s_warmup);
        GC.Collect();
        long sentBefore = stages[0].Packets;
        long receivedBefore = stages[^1].Packets;
        Meter meter = new();
        Thread.Sleep(window);
        long received = stages[^1].Packets - receivedBefore;
        Round round = meter.Stop(received, 0, 0);
        long sent = stages[0].Packets - sentBefore;
        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads)
            thread.Join();
        if (failure is not null)
            throw failure;
        // What is in the rings at either end of the window is not lost: below one part in ten thousand nothing is said.
        double loss = sent == 0 ? 0 : 1 - ((double)received / sent);
        return round with
        {
            Loss = loss < 0.0001 ? 0 : loss,
            AllocatedPerPacket = (double)stages.Sum(stage => stage.Allocated) / Math.Max(1, stages[^1].Packets),
        };
    }
}
