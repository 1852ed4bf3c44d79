using Netmap.Cli.PktGen;

namespace Netmap.Cli.Demo;

/// <summary>pkt-gen from one port to another; what became of each frame.</summary>
internal sealed record Transfer(string Name, long Sent, long Received, IReadOnlyDictionary<string, long> Dropped, double TxMpps, double RxMpps)
{
    public static Transfer Run(string name, NetmapPort from, NetmapPort to, long frames, Func<long> wireDrops, CancellationToken stop)
    {
        long wireBefore = wireDrops();
        Dictionary<DropReason, long> before = Drops(from, to);
        PktGenOptions options = new() { Interface = name, Count = frames, StopWhenSilent = true };
        byte[] mac = Convert.FromHexString(from.Info.MacAddress.Replace(":", ""));
        Sender sender = new(options with { Function = "tx" }, from, mac, 0, stop);
        Receiver receiver = new(options with { Function = "rx", Burst = 8192 }, to, 0, stop);
        Thread receiving = new(receiver.Run) { IsBackground = true };
        Thread sending = new(sender.Run) { IsBackground = true };
        receiving.Start();
        sending.Start();
        sending.Join();
        receiving.Join();
        if ((sender.Progress.Failure ?? receiver.Progress.Failure) is { } failure)
            throw new InvalidOperationException(failure);
        Dictionary<string, long> dropped = Drops(from, to).Select(d => (d.Key, Value: d.Value - before.GetValueOrDefault(d.Key)))
            .Where(d => d.Value > 0).ToDictionary(d => d.Key.ToString(), d => d.Value);
        if (wireDrops() - wireBefore is > 0 and long wire)
            dropped["KernelBacklog"] = wire;
        return new(name, sender.Progress.Packets, receiver.Progress.Packets, dropped, Rate(sender.Progress), Rate(receiver.Progress));
    }

    private static Dictionary<DropReason, long> Drops(NetmapPort from, NetmapPort to) =>
        from.GetStatistics().Drops.Concat(to.GetStatistics().Drops).GroupBy(d => d.Key).ToDictionary(g => g.Key, g => g.Sum(d => d.Value));

    private static double Rate(Progress progress) => progress.Ended <= progress.Started ? 0
        : progress.Packets / System.Diagnostics.Stopwatch.GetElapsedTime(progress.Started, progress.Ended).TotalSeconds / 1e6;
}
