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

    public static Command Create() => BenchOptions.Command(Name, "One frame there and back over a veth, beside UDP and packet sockets.",
        "fewer round trips", Run);

    private static int Run(bool quick, bool json)
    {
        WireCommand.DemandRoot(Name);
        long trips = quick ? QuickTrips : Trips;
        (Carrier Carrier, bool Blocking, LatencyResult Result)[] cases =
        [
            .. from blocking in new[] { true, false }
               from carrier in Enum.GetValues<Carrier>()
               select (carrier, blocking, new LatencyResult($"{carrier.ToString().ToLowerInvariant()}-{(blocking ? "blocking" : "spinning")}")),
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
            return ExitCode.Success;
        }
        Output.Table($"{Name}: 60 bytes there and back over a veth, a core for each end, ns ({Machine.Processor}, kernel {Machine.Kernel})",
            [.. LatencyResult.Columns, "p50 to native"],
            cases.Select(@case => (string[])[.. @case.Result.Row(), $"{ToOurs(@case.Blocking, @case.Result):F2}"]));
        return ExitCode.Success;

        double ToOurs(bool blocking, LatencyResult result) => (double)result.Median
            / cases.Single(@case => @case.Carrier == Carrier.Native && @case.Blocking == blocking).Result.Median;
    }
}
