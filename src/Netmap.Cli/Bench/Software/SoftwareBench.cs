namespace Netmap.Cli.Bench.Software;

/// <summary>Benchmarks that need neither interfaces nor privileges.</summary>
internal static class SoftwareBench
{
    public static readonly Benchmark[] All =
    [
        Command("pipe", "Both ends of a pipe, beside a bare loop and DPDK's net_memif.", (memif, _) => new PipeBench(memif)),
        Command("vale", "Two ports of a switch, beside a bare loop and DPDK's net_memif.", (memif, _) => new ValeBench(memif)),
        Command("vale-curve", "A switch of 2 to 64 ports.", (_, quick) => new ValeCurveBench(quick)),
        Command("monitor", "A pipe with and without a monitor.", (_, _) => new MonitorBench()),
    ];

    /// <param name="name">Of the command.</param>
    /// <param name="description">One line.</param>
    /// <param name="make">Makes it; the flag says quick.</param>
    private static Benchmark Command(string name, string description, Func<MemifPeer, bool, ISoftwareBench> make) =>
        new(name, description, run => Measure(name, make, run));

    private static IEnumerable<CaseReport> Measure(string name, Func<MemifPeer, bool, ISoftwareBench> make, BenchRun run)
    {
        using MemifPeer memif = new();
        ISoftwareBench bench = make(memif, run.Quick);
        TimeSpan window = TimeSpan.FromSeconds(run.Quick ? 0.06 : 1);
        foreach (SoftwareCase @case in run.Choose(bench.Cases, @case => @case.Name))
        {
            (Round ours, Round? peer) = BenchRounds.Run(() => bench.Ours(@case, window), () => bench.Peer(@case, window));
            CaseMode mode = new() { Bytes = @case.Bytes, Batch = @case.Batch, Cores = @case.Cores == 1 ? "all on one" : "a thread each" };
            yield return CaseReport.Rate(name, @case.Name, ours, [PeerReport.Rate(bench.PeerOf(@case), ours, peer)], mode);
        }
    }
}
