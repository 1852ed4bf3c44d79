namespace Netmap.Cli.Bench.Native;

/// <summary>Benchmarks of the native adapter on veth pairs, beside DPDK on the same ones.</summary>
internal static class WireBench
{
    private static readonly string[] s_drivers = ["net_af_xdp", "net_af_packet"];

    public static readonly Benchmark[] All =
    [
        Command("xdp-tx", "Transmit natively on a veth, beside DPDK.", () => new WireTxBench()),
        Command("xdp-rx", "Receive natively on a veth what our fast gear sends, beside DPDK.", () => new WireRxBench()),
        Command("xdp-e2e", "Our sender to our receiver over a veth, beside DPDK to DPDK.", () => new WireEndToEndBench()),
        Command("forward", "One direction of netmap bridge between two veth pairs, beside DPDK's testpmd.", () => new ForwardBench()),
    ];

    private static Benchmark Command(string name, string description, Func<IWireBench> make) =>
        new(name, description, run => Measure(name, make, run)) { Needs = _ => BenchNeeds.Root };

    private static IEnumerable<CaseReport> Measure(string name, Func<IWireBench> make, BenchRun run)
    {
        using IWireBench bench = make();
        WireCase[] cases = run.Choose(bench.Cases, @case => @case.Name);
        Dictionary<object, List<Round>> rounds = Rounds(bench, cases, TimeSpan.FromSeconds(run.Quick ? 1 : 3));
        foreach (WireCase @case in cases)
        {
            Round ours = BenchRounds.Median(rounds[@case]);
            CaseMode mode = new() { Bytes = @case.Bytes, Batch = WireCase.Batch, Cores = bench.Cores };
            yield return CaseReport.Rate(name, @case.Name, ours, s_drivers.Select(driver => Peer(driver, @case, ours, rounds)), mode);
        }
    }

    private static PeerReport Peer(string driver, WireCase @case, Round ours, Dictionary<object, List<Round>> rounds) =>
        PeerReport.Rate($"DPDK {driver}", ours, rounds.TryGetValue(PeerKey(driver, @case), out List<Round>? peer) ? BenchRounds.Median(peer) : null);

    /// <summary>Cases that differ in our gear alone share the drivers' rounds.</summary>
    private static object PeerKey(string driver, WireCase @case) => (@case.Bytes, @case.Variant, driver);

    /// <summary>All cases and drivers by turns.</summary>
    private static Dictionary<object, List<Round>> Rounds(IWireBench bench, WireCase[] cases, TimeSpan window)
    {
        Dictionary<object, List<Round>> rounds = [];
        for (int i = 0; i < BenchRounds.Count; i++)
        {
            foreach (IGrouping<(int, string), WireCase> group in cases.GroupBy(@case => (@case.Bytes, @case.Variant)))
            {
                foreach (WireCase @case in group)
                    Add(@case, bench.Ours(@case, window));
                foreach (string driver in PmdPeer.IsInstalled ? s_drivers : [])
                    Add(PeerKey(driver, group.First()), bench.Peer(driver, group.First(), window));
            }
        }
        return rounds;

        void Add(object key, Round round)
        {
            if (!rounds.TryGetValue(key, out List<Round>? list))
                rounds.Add(key, list = []);
            list.Add(round);
        }
    }
}
