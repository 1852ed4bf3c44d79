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

    public Command Create()
    {
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<bool> quick = new("--quick") { Description = "shorter rounds" };
        Option<string> only = new("--case") { Description = "only cases whose name contains this" };
        Command command = new(Name, Description) { json, quick, only };
        command.SetAction(parsed =>
        {
            Run(parsed.GetValue(quick), parsed.GetValue(json), parsed.GetValue(only) ?? "");
            return ExitCode.Success;
        });
        return command;
    }

    public void Run(bool quick, bool json, string only = "")
    {
        using MemifPeer memif = new();
        ISoftwareBench bench = Make(memif, quick);
        TimeSpan window = TimeSpan.FromSeconds(quick ? 0.06 : 1);
        List<SoftwareResult> results = [];
        foreach (SoftwareCase @case in bench.Cases.Where(@case => @case.Name.Contains(only)))
        {
            SoftwareResult result = Measure(bench, @case, window);
            results.Add(result);
            if (json)
                result.WriteJson(Name);
        }
        if (!json)
            SoftwareResult.WriteTable($"{Name}: {Description.TrimEnd('.')}", results);
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
