using System.CommandLine;
using Netmap.Cli.Bench.Native;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.FailOpen;

/// <summary><c>netmap bench fail-open</c>: how soon a host has its network back when the process that had its interface is killed.</summary>
internal static class FailOpenCommand
{
    private const string Name = "fail-open";

    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<int> kills = new("--kills") { Description = "kills of each case", DefaultValueFactory = _ => 10 };
        Option<int> hogs = new("--hogs") { Description = "processes that take all the processor time they get, meanwhile" };
        Option<string> only = new("--case") { Description = "only the cases whose name contains it" };
        Command command = new(Name, "From SIGKILL of a process that has an interface to its host's next answer.") { json, kills, hogs, only };
        command.SetAction(parsed =>
        {
            WireCommand.DemandRoot(Name);
            Run((int)Limits.Within("--kills", parsed.GetValue(kills), 1, 10_000), (int)Limits.Within("--hogs", parsed.GetValue(hogs), 0, 1000),
                parsed.GetValue(only) ?? "", parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    private static void Run(int kills, int hogs, string only, bool json)
    {
        List<string[]> rows = [];
        foreach (FailOpenCase @case in Cases(only))
        {
            KillTimes times = Measure(@case, kills, hogs);
            if (json)
                WriteJson(@case, times, hogs);
            else
                rows.Add([@case.Name, $"{times.Least:F1}", $"{times.P50:F1}", $"{times.P90:F1}", $"{times.Most:F1}"]);
        }
        if (!json)
            Output.Table($"{Name}: ms from SIGKILL to the host's first answer after the last ping lost; {kills} kills, {hogs} hogs, {Environment.ProcessorCount} cores ({Machine.Processor}, kernel {Machine.Kernel})",
                ["case", "least", "p50", "p90", "most"], rows);
    }

    /// <summary>The one of this name, or those whose name contains it.</summary>
    private static IEnumerable<FailOpenCase> Cases(string only) =>
        FailOpenCase.All.Where(@case => @case.Name == only).DefaultIfEmpty().Single() is { } exact ? [exact] : FailOpenCase.All.Where(@case => @case.Name.Contains(only));

    /// <summary>Kills come at random moments, the same ones in every run.</summary>
    private static KillTimes Measure(FailOpenCase @case, int kills, int hogs)
    {
        Random random = new(kills);
        using FailOpenLab lab = new();
        return new(Enumerable.Range(0, kills).Select(_ => lab.Kill(@case, TimeSpan.FromMilliseconds(random.Next(300)), hogs)));
    }

    private static void WriteJson(FailOpenCase @case, KillTimes times, int hogs) => Output.Json(new
    {
        Bench = Name,
        Case = @case.Name,
        Kills = times.Sorted.Length,
        Hogs = hogs,
        LeastMs = times.Least,
        P50Ms = times.P50,
        P90Ms = times.P90,
        MostMs = times.Most,
        TimesMs = times.Sorted,
        MachineCores = Environment.ProcessorCount,
        Machine.Processor,
        Machine.Kernel,
    });
}
