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

    public static Command Create() => BenchOptions.CommandOfCases(Name, "One frame there and back over a veth, beside UDP and packet sockets.", Run);

    private static int Run(bool quick, bool json, string only)
    {
        WireCommand.DemandRoot(Name);
        long trips = quick ? QuickTrips : Trips;
        IEnumerable<(Carrier Carrier, bool Blocking, LatencyResult Result)> all =
            from blocking in new[] { true, false }
            from carrier in Enum.GetValues<Carrier>()
            select (carrier, blocking, new LatencyResult($"{carrier.ToString().ToLowerInvariant()}-{(blocking ? "blocking" : "spinning")}"));
        (Carrier Carrier, bool Blocking, LatencyResult Result)[] cases = BenchOptions.Choose(all, @case => @case.Result.Name, only);
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
        foreach (LatencyResult result in cases.Select(@case => @case.Result).Where(result => result.Port is not null))
            Console.Out.WriteLine($"{result.Name} on {result.Port!.Driver}: {result.Port.Adapter}, {result.Port.Mode}");
        return ExitCode.Success;

        double? ToOurs(bool blocking, LatencyResult result) => (double)result.Median
            / cases.FirstOrDefault(@case => @case.Carrier == Carrier.Native && @case.Blocking == blocking).Result?.Median;
    }
}
