using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Software;

/// <summary>Benchmarks that need neither interfaces nor privileges.</summary>
/// <param name="Name">Of the command.</param>
/// <param name="Description">One line.</param>
/// <param name="Make">Makes it; the flag says quick.</param>
internal sealed record SoftwareCommand(string Name, string Description, Func<MemifPeer, bool, ISoftwareBench> Make)
{
    private const int Rounds = 3;

    public static readonly SoftwareCommand[] All =
    [
        new("pipe", "Both ends of a pipe, beside a bare loop and DPDK's net_memif.", (memif, _) => new PipeBench(memif)),
        new("vale", "Two ports of a switch, beside a bare loop and DPDK's net_memif.", (memif, _) => new ValeBench(memif)),
        new("vale-curve", "A switch of 2 to 64 ports.", (_, quick) => new ValeCurveBench(quick)),
        new("monitor", "A pipe with and without a monitor.", (_, _) => new MonitorBench()),
    ];

    public Command Create() => BenchOptions.CommandOfCases(Name, Description, Run);

    public int Run(bool quick, bool json, string only = "")
    {
        using MemifPeer memif = new();
        ISoftwareBench bench = Make(memif, quick);
        TimeSpan window = TimeSpan.FromSeconds(quick ? 0.06 : 1);
        List<SoftwareResult> results = [];
        foreach (SoftwareCase @case in BenchOptions.Choose(bench.Cases, @case => @case.Name, only))
        {
            SoftwareResult result = Measure(bench, @case, window);
            results.Add(result);
            if (json)
                result.WriteJson(Name);
        }
        if (!json)
            SoftwareResult.WriteTable($"{Name}: {Description.TrimEnd('.')}", results);
        return ExitCode.Success;
    }

    /// <summary>Ours and the peer's by turns; the medians.</summary>
    private static SoftwareResult Measure(ISoftwareBench bench, SoftwareCase @case, TimeSpan window)
    {
        List<Round> ours = [];
        List<Round> peer = [];
        for (int i = 0; i < Rounds; i++)
        {
            ours.Add(bench.Ours(@case, window));
            if (bench.Peer(@case, window) is { } round)
                peer.Add(round);
        }
        return new(@case, BenchRounds.Median(ours), bench.PeerOf(@case), peer.Count > 0 ? BenchRounds.Median(peer) : null);
    }
}
