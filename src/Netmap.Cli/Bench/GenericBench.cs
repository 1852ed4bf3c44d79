namespace Netmap.Cli.Bench;

/// <summary>A benchmark of the generic adapter: a round of ours, a round of the peer's.</summary>
internal interface IGenericBench
{
    /// <summary>Frames a sync.</summary>
    int Batch { get; }

    Round Ours(TimeSpan window);

    /// <summary>Null when the peer is not installed.</summary>
    Round? Peer(TimeSpan window);
}

/// <summary>Benchmarks of the generic adapter on a veth pair, beside DPDK on the same one.</summary>
internal static class GenericBench
{
    private const string PeerName = "DPDK net_af_packet";
    private const string Case = "veth";

    public static Benchmark Command(string name, string description, Func<BenchLab, IGenericBench> make) =>
        new(name, description, run => Measure(name, make, run))
        {
            Quickly = "shorter rounds, under 40 s altogether",
            Needs = _ => BenchNeeds.Namespaces,
        };

    private static IEnumerable<CaseReport> Measure(string name, Func<BenchLab, IGenericBench> make, BenchRun run)
    {
        foreach (string @case in run.Choose([Case], @case => @case))
        {
            using BenchLab lab = new();
            IGenericBench bench = make(lab);
            TimeSpan window = TimeSpan.FromSeconds(run.Quick ? 1.5 : 5);
            bench.Ours(TimeSpan.FromSeconds(0.5));
            (Round ours, Round? peer) = BenchRounds.Run(() => bench.Ours(window), () => bench.Peer(window));
            yield return CaseReport.Rate(name, @case, ours, [PeerReport.Rate(PeerName, ours, peer)], new() { Bytes = 60, Batch = bench.Batch });
        }
    }
}
