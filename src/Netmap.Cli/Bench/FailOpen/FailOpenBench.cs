using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.FailOpen;

/// <summary><c>netmap bench fail-open</c>: how soon a host has its network back when the process that had its interface is killed.</summary>
internal static class FailOpenBench
{
    private const string Name = "fail-open";
    private const int Kills = 10;
    private const int QuickKills = 3;

    private static readonly Option<int?> s_kills = new("--kills") { Description = $"kills of each case ({Kills})" };
    private static readonly Option<int> s_hogs = new("--hogs") { Description = "processes that take all the processor time they get, meanwhile" };

    public static readonly Benchmark Bench = new(Name,
        "From SIGKILL of a process that has an interface to its host's first answer after the last ping lost.", Measure)
    {
        Quickly = $"{QuickKills} kills of each case",
        Needs = _ => BenchNeeds.Root,
        Options = [s_kills, s_hogs],
    };

    private static IEnumerable<CaseReport> Measure(BenchRun run)
    {
        int kills = (int)Limits.Within("--kills", run.Value(s_kills) ?? (run.Quick ? QuickKills : Kills), 1, 10_000);
        int hogs = (int)Limits.Within("--hogs", run.Value(s_hogs), 0, 1000);
        foreach (FailOpenCase @case in run.Choose(FailOpenCase.All, @case => @case.Name))
        {
            KillTimes times = Measure(@case, kills, hogs);
            yield return new()
            {
                Bench = Name,
                Case = @case.Name,
                Ours = times.P50,
                Unit = MeasureUnit.Milliseconds,
                Spread = new(times.Sorted.Length, times.Least, times.P90, null, null, times.Most),
                Mode = new() { Bytes = 60, Cores = $"all that there are, beside {hogs} hogs" },
            };
        }
    }

    /// <summary>Kills come at random moments, the same ones in every run.</summary>
    private static KillTimes Measure(FailOpenCase @case, int kills, int hogs)
    {
        Random random = new(kills);
        using FailOpenLab lab = new();
        return new(Enumerable.Range(0, kills).Select(_ => lab.Kill(@case, TimeSpan.FromMilliseconds(random.Next(300)), hogs)));
    }
}
