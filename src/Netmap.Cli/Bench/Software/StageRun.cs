using Netmap.Links;

namespace Netmap.Cli.Bench.Software;

/// <summary>Runs stages, each on a thread and a core of its own, and measures the rate of one of them.</summary>
internal static class StageRun
{
    /// <summary>Not counted: the just-in-time compiler is at work, more so at first.</summary>
    private static readonly TimeSpan s_firstWarmup = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_warmup = TimeSpan.FromMilliseconds(60);

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
        long sentBefore = stages[0].Packets;
        long receivedBefore = receiver.Packets;
        Meter meter = new();
        Thread.Sleep(window);
        long received = receiver.Packets - receivedBefore;
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
            AllocatedPerPacket = (double)stages.Sum(stage => stage.Allocated) / Math.Max(1, receiver.Packets),
        };
    }
}
