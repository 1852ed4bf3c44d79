using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>The options that all commands below <c>netmap bench</c> have, and what a run does with them.</summary>
internal static class BenchOptions
{
    private const double Tolerance = 0.1;

    private static readonly Option<bool> s_json = new("--json") { Description = "one JSON object a case" };
    private static readonly Option<string> s_case = new("--case") { Description = "only the case of this name, or those whose names contain it" };
    private static readonly Option<string?> s_compare = new("--compare")
    {
        Description = "the --json output of an earlier run; exit code 1 where a ratio fell below it",
    };
    private static readonly Option<double> s_tolerance = new("--tolerance")
    {
        Description = "part of a ratio that it may fall by",
        DefaultValueFactory = _ => Tolerance,
    };

    /// <summary>A command that runs one benchmark.</summary>
    public static Command Command(Benchmark bench) => Command(bench.Name, bench.Description, bench.Quickly, [bench]);

    /// <summary>A command that runs several, one after the other.</summary>
    public static Command Command(string name, string description, string quickly, IReadOnlyList<Benchmark> benches)
    {
        Option<bool> quick = new("--quick") { Description = quickly };
        Command command = new(name, description) { s_json, quick, s_case, s_compare, s_tolerance };
        foreach (Option option in benches.SelectMany(bench => bench.Options))
            command.Add(option);
        command.SetAction(parsed => Run(benches, new BenchRun(parsed, parsed.GetValue(quick), parsed.GetValue(s_case) ?? ""), parsed));
        return command;
    }

    private static int Run(IReadOnlyList<Benchmark> benches, BenchRun run, ParseResult parsed)
    {
        if (benches.FirstOrDefault(bench => bench.Needs(run) == BenchNeeds.Root) is { } privileged && !Environment.IsPrivilegedProcess)
            throw new UsageException($"bench {privileged.Name} loads eBPF programs: run it as root");
        double tolerance = Limits.Within("--tolerance", parsed.GetValue(s_tolerance), 0, 1);
        Comparison? earlier = parsed.GetValue(s_compare) is { } file ? Comparison.Read(file) : null;
        if (benches.Any(bench => bench.Needs(run) == BenchNeeds.Namespaces) && UserNamespace.TryReenter(out int code))
            return code;
        List<CaseReport> all = [];
        foreach (Benchmark bench in benches)
        {
            List<CaseReport> reports = Measure(bench, run, parsed.GetValue(s_json));
            if (!parsed.GetValue(s_json))
                BenchTable.Write(bench, reports);
            all.AddRange(reports);
        }
        return Math.Max(run.HasFailed ? ExitCode.Failure : ExitCode.Success, earlier?.Judge(all, tolerance) ?? ExitCode.Success);
    }

    private static List<CaseReport> Measure(Benchmark bench, BenchRun run, bool json)
    {
        List<CaseReport> reports = [];
        foreach (CaseReport report in bench.Measure(run))
        {
            reports.Add(report);
            if (json)
                Output.Json(report);
        }
        return reports;
    }
}
