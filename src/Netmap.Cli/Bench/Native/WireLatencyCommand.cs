using System.CommandLine;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Native;

/// <summary><c>netmap bench xdp-latency</c>: round trips over a veth, natively and over the kernel's sockets.</summary>
internal static class WireLatencyCommand
{
    private const string Name = "xdp-latency";
    private const int Rounds = 3;
    private const long Trips = 100_000;
    private const long QuickTrips = 20_000;

    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<bool> quick = new("--quick") { Description = "fewer round trips" };
        Option<string> only = new("--case") { Description = "only the cases whose name contains it" };
        Command command = new(Name, "One frame there and back over a veth, beside UDP and packet sockets.") { json, quick, only };
        command.SetAction(parsed =>
        {
            WireCommand.DemandRoot(Name);
            Run(parsed.GetValue(quick) ? QuickTrips : Trips, parsed.GetValue(json), parsed.GetValue(only) ?? "");
            return ExitCode.Success;
        });
        return command;
    }

    private static void Run(long trips, bool json, string only)
    {
        (Carrier Carrier, bool Blocking, LatencyResult Result)[] cases =
        [
            .. from blocking in new[] { true, false }
               from carrier in Enum.GetValues<Carrier>()
               let name = $"{carrier.ToString().ToLowerInvariant()}-{(blocking ? "blocking" : "spinning")}"
               where name.Contains(only)
               select (carrier, blocking, new LatencyResult(name)),
        ];
        using WireLatencyBench bench = new();
        for (int i = 0; i < Rounds; i++)
        {
            foreach ((Carrier carrier, bool blocking, LatencyResult result) in cases)
                bench.Run(carrier, blocking, trips, result);
        }
        if (json)
        {
            foreach ((_, bool blocking, LatencyResult result) in cases)
                result.WriteJson(Name, ToOurs(blocking, result));
            return;
        }
        Output.Table($"{Name}: 60 bytes there and back over a veth, a core for each end, ns ({Machine.Processor}, kernel {Machine.Kernel})",
            [.. LatencyResult.Columns, "p50 to native"],
            cases.Select(@case => (string[])[.. @case.Result.Row(), $"{ToOurs(@case.Blocking, @case.Result):F2}"]));
        foreach (LatencyResult result in cases.Select(@case => @case.Result).Where(result => result.Port is not null))
            Console.Out.WriteLine($"{result.Name} on {result.Port!.Driver}: {result.Port.Adapter}, {result.Port.Mode}");

        double? ToOurs(bool blocking, LatencyResult result) => (double)result.Median
            / cases.FirstOrDefault(@case => @case.Carrier == Carrier.Native && @case.Blocking == blocking).Result?.Median;
    }
}
