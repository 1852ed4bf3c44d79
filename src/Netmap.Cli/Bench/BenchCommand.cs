using System.CommandLine;

namespace Netmap.Cli.Bench;

/// <summary><c>netmap bench</c>: ratios against the best peers on the same interface in the same run.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure against other packet I/O on the same interface, in the same run.");
}
