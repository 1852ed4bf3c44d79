using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>One benchmark: a command below <c>netmap bench</c>, whose options and output are those of all.</summary>
/// <param name="Name">Of the command.</param>
/// <param name="Description">One line.</param>
/// <param name="Measure">Measures the cases chosen, and gives each as it is done.</param>
internal sealed record Benchmark(string Name, string Description, Func<BenchRun, IEnumerable<CaseReport>> Measure)
{
    /// <summary>What <c>--quick</c> does.</summary>
    public string Quickly { get; init; } = "shorter rounds";

    /// <summary>Options of what it measures, beside those that all have.</summary>
    public Option[] Options { get; init; } = [];

    /// <summary>What it cannot be run without.</summary>
    public Func<BenchRun, BenchNeeds> Needs { get; init; } = _ => BenchNeeds.Nothing;
}

/// <summary>What a benchmark cannot be run without.</summary>
internal enum BenchNeeds
{
    Nothing,

    /// <summary>Network namespaces: an ordinary user's run starts itself again inside a user namespace.</summary>
    Namespaces,

    /// <summary>eBPF programs.</summary>
    Root,
}

/// <summary>What one run of benchmarks was asked to do.</summary>
/// <param name="parsed">The command line.</param>
/// <param name="quick">Shorter rounds.</param>
/// <param name="only">A case's name or a part of it; empty for all.</param>
internal sealed class BenchRun(ParseResult parsed, bool quick, string only)
{
    public bool Quick => quick;

    /// <summary>True once a case could not be measured.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>An option that one benchmark alone has.</summary>
    public T? Value<T>(Option<T> option) => parsed.GetValue(option);

    /// <summary>The cases that <c>--case</c> means: the one of that name, else those whose names contain it.</summary>
    /// <exception cref="UsageException">None.</exception>
    public T[] Choose<T>(IEnumerable<T> cases, Func<T, string> name)
    {
        T[] all = [.. cases];
        T[] chosen = Array.FindAll(all, @case => name(@case) == only);
        if (chosen.Length == 0)
            chosen = Array.FindAll(all, @case => name(@case).Contains(only, StringComparison.Ordinal));
        return chosen.Length > 0 ? chosen : throw new UsageException($"no case {only}; there are {string.Join(", ", all.Select(name))}");
    }

    /// <summary>A case that lacks something says so; the others go on.</summary>
    public void Fail(string bench, string @case, Exception why)
    {
        HasFailed = true;
        Console.Error.WriteLine($"netmap: bench {bench} {@case}: {why.Message}");
    }
}
