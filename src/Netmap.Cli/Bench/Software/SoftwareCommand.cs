using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Software;

/// <summary>Benchmarks that need neither interfaces nor privileges.</summary>
internal static class SoftwareCommand
{
    private const int Rounds = 3;

    public static Command Create(string name, string description, Func<MemifPeer, ISoftwareBench> make)
    {
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<bool> quick = new("--quick") { Description = "shorter rounds" };
        Option<string> only = new("--case") { Description = "cases whose name contains this" };
        Command command = new(name, description) { json, quick, only };
        command.SetAction(parsed =>
        {
            using MemifPeer memif = new();
            Run(name, description, make(memif), parsed.GetValue(quick), parsed.GetValue(json), parsed.GetValue(only) ?? "");
            return ExitCode.Success;
        });
        return command;
    }

    private static void Run(string name, string title, ISoftwareBench bench, bool quick, bool json, string only)
    {
        TimeSpan window = TimeSpan.FromSeconds(quick ? 0.1 : 1);
        List<SoftwareResult> results = [];
        foreach (SoftwareCase @case in bench.Cases.Where(@case => @case.Name.Contains(only)))
        {
            SoftwareResult result = Measure(bench, @case, window);
            results.Add(result);
            if (json)
                result.WriteJson(name);
        }
        if (!json)
            SoftwareResult.WriteTable($"{name}: {title}", results);
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
        return new(@case, Median(ours), bench.PeerOf(@case), peer.Count > 0 ? Median(peer) : null);
    }

    private static Round Median(List<Round> rounds) => rounds.OrderBy(round => round.Mpps).ElementAt(rounds.Count / 2);
}
