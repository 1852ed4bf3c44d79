using System.CommandLine;
using HdrHistogram;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Software;

/// <summary><c>netmap bench latency</c>: round trips over a pipe, spinning and blocking.</summary>
internal static class LatencyCommand
{
    private const long Trips = 10_000_000;
    private const long QuickSpins = 1_000_000;
    private const long QuickWakes = 50_000;

    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<bool> quick = new("--quick") { Description = "fewer round trips" };
        Command command = new("latency", "One packet there and back over a pipe between two threads.") { json, quick };
        command.SetAction(parsed =>
        {
            Run(parsed.GetValue(quick), parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    public static void Run(bool quick, bool json)
    {
        List<string[]> rows = [];
        foreach (bool blocking in new[] { false, true })
        {
            string name = blocking ? "blocking" : "spinning";
            int collections = GC.CollectionCount(0);
            using LatencyBench bench = new(blocking);
            LongHistogram trips = bench.Run(!quick ? Trips : blocking ? QuickWakes : QuickSpins);
            long[] values = [.. new[] { 50, 99, 99.9 }.Select(trips.GetValueAtPercentile), trips.GetMaxValue()];
            collections = GC.CollectionCount(0) - collections;
            rows.Add([name, $"{trips.TotalCount}", .. values.Select(value => $"{value}"), $"{collections}"]);
            if (json)
                WriteJson(name, trips.TotalCount, values, collections);
        }
        if (!json)
            Output.Table($"latency: 60 bytes there and back over a pipe, ns ({Machine.Processor}, kernel {Machine.Kernel})",
                ["waiting", "round trips", "p50", "p99", "p99.9", "max", "GC"], rows);
    }

    private static void WriteJson(string name, long trips, long[] values, int collections) => Output.Json(new
    {
        Bench = "latency",
        Case = name,
        RoundTrips = trips,
        P50Ns = values[0],
        P99Ns = values[1],
        P999Ns = values[2],
        MaxNs = values[3],
        Gc = collections,
        MachineCores = Environment.ProcessorCount,
        Machine.Processor,
        Machine.Kernel,
    });
}
