using System.CommandLine;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Native;

/// <summary>Benchmarks of the native adapter on veth pairs, beside DPDK on the same ones.</summary>
internal sealed record WireCommand(string Name, string Description, Func<IWireBench> Make)
{
    private const int Rounds = 3;
    private static readonly string[] s_drivers = ["net_af_xdp", "net_af_packet"];

    public static readonly WireCommand[] All =
    [
        new("xdp-tx", "Transmit natively, beside DPDK.", () => new WireTxBench()),
        new("xdp-rx", "Receive natively what our fast gear sends, beside DPDK.", () => new WireRxBench()),
        new("xdp-e2e", "Our sender to our receiver, beside DPDK to DPDK.", () => new WireEndToEndBench()),
        new("forward", "One direction of netmap bridge between two veth pairs, beside DPDK's testpmd.", () => new ForwardBench()),
    ];

    /// <exception cref="UsageException">This is not root.</exception>
    public static void DemandRoot(string bench)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new UsageException($"bench {bench} loads eBPF programs: run it as root");
    }

    public Command Create() => BenchOptions.CommandOfCases(Name, Description, Run);

    private int Run(bool quick, bool json, string only)
    {
        DemandRoot(Name);
        using IWireBench bench = Make();
        TimeSpan window = TimeSpan.FromSeconds(quick ? 1 : 3);
        WireCase[] cases = BenchOptions.Choose(bench.Cases, @case => @case.Name, only);
        IReadOnlyList<WireResult> results = Measure(bench, cases, window);
        if (json)
        {
            foreach (WireResult result in results)
                result.WriteJson(Name, bench.Cores);
            return ExitCode.Success;
        }
        string[] drivers = PmdPeer.IsInstalled ? s_drivers : [];
        Output.Table($"{Name}: veth, {bench.Cores} ({Machine.Processor}, kernel {Machine.Kernel})",
            ["case", "Mpps", "loss", .. drivers.SelectMany(driver => new[] { driver, "ratio" }), "CPU", "bytes/packet", "GC"],
            results.Select(result => result.Row()));
        foreach (WireResult result in results)
            Console.Out.WriteLine($"{result.Case.Name} on {result.Ours.Port!.Driver}: {result.Ours.Port.Adapter}, {result.Ours.Port.Mode}");
        if (drivers.Length == 0)
            Console.Out.WriteLine($"DPDK is missing: apt-get install {DpdkPeer.Package}");
        return ExitCode.Success;
    }

    /// <summary>All cases and drivers by turns, three times. Cases that differ in our gear alone share the drivers' rounds.</summary>
    private static List<WireResult> Measure(IWireBench bench, WireCase[] cases, TimeSpan window)
    {
        ILookup<(int Bytes, string Variant), WireCase> groups = cases.ToLookup(@case => (@case.Bytes, @case.Variant));
        Dictionary<object, List<Round>> rounds = [];
        for (int i = 0; i < Rounds; i++)
        {
            foreach (IGrouping<(int, string), WireCase> group in groups)
            {
                foreach (WireCase @case in group)
                    Add(@case, bench.Ours(@case, window));
                foreach (string driver in PmdPeer.IsInstalled ? s_drivers : [])
                    Add((group.Key, driver), bench.Peer(driver, group.First(), window));
            }
        }
        return [.. cases.Select(@case => new WireResult(@case, BenchRounds.Median(rounds[@case]),
            [.. s_drivers.Where(driver => rounds.ContainsKey(((@case.Bytes, @case.Variant), driver)))
                .Select(driver => (driver, BenchRounds.Median(rounds[((@case.Bytes, @case.Variant), driver)])))]))];

        void Add(object key, Round round)
        {
            if (!rounds.TryGetValue(key, out List<Round>? list))
                rounds.Add(key, list = []);
            list.Add(round);
        }
    }
}
