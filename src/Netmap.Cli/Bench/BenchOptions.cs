using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>Commands below <c>netmap bench</c>, with the options they have in common.</summary>
internal static class BenchOptions
{
    /// <param name="name">Of the command.</param>
    /// <param name="description">For its help.</param>
    /// <param name="quickly">What <c>--quick</c> does.</param>
    /// <param name="run">Gets <c>--quick</c> and <c>--json</c>; its value is the exit code.</param>
    public static Command Command(string name, string description, string quickly, Func<bool, bool, int> run) =>
        Create(name, description, quickly, [], (_, quick, json) => run(quick, json));

    /// <summary>The same with <c>--case</c>, which <paramref name="run"/> gets last; empty for all.</summary>
    public static Command CommandOfCases(string name, string description, Func<bool, bool, string, int> run)
    {
        Option<string> only = new("--case") { Description = "only the case of this name, or those whose name contains it" };
        return Create(name, description, "shorter rounds", [only], (parsed, quick, json) => run(quick, json, parsed.GetValue(only) ?? ""));
    }

    /// <summary>The cases that <c>--case</c> means.</summary>
    /// <exception cref="UsageException">None.</exception>
    public static T[] Choose<T>(IEnumerable<T> cases, Func<T, string> name, string only)
    {
        T[] all = [.. cases];
        T[] chosen = Array.FindAll(all, @case => name(@case) == only);
        if (chosen.Length == 0)
            chosen = Array.FindAll(all, @case => name(@case).Contains(only));
        return chosen.Length > 0 ? chosen : throw new UsageException($"no case {only}; there are {string.Join(", ", all.Select(name))}");
    }

    private static Command Create(string name, string description, string quickly, Option[] more, Func<ParseResult, bool, bool, int> run)
    {
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<bool> quick = new("--quick") { Description = quickly };
        Command command = new(name, description) { json, quick };
        foreach (Option option in more)
            command.Add(option);
        command.SetAction(parsed => run(parsed, parsed.GetValue(quick), parsed.GetValue(json)));
        return command;
    }
}
