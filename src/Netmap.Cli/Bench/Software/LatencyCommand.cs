using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Software;

/// <summary><c>netmap bench latency</c>: round trips over a pipe, spinning and blocking.</summary>
internal static class LatencyCommand
{
    private const long Trips = 10_000_000;
    private const long QuickSpins = 1_000_000;
    private const long QuickWakes = 50_000;

    public static Command Create() => BenchOptions.Command("latency", "One packet there and back over a pipe between two threads.",
        "fewer round trips", Run);

    public static int Run(bool quick, bool json)
    {
        List<LatencyResult> results = [];
        foreach (bool blocking in new[] { false, true })
        {
            LatencyResult result = new(blocking ? "blocking" : "spinning");
            using PipeEnds pipe = new();
            byte[] frame = Frames.Make(60);
            PingPong pingPong = new(new PortEnd(pipe.Sender, frame, blocking), new PortEnd(pipe.Receiver, frame, blocking));
            pingPong.Run(!quick ? Trips : blocking ? QuickWakes : QuickSpins, result);
            results.Add(result);
            if (json)
                result.WriteJson("latency");
        }
        if (!json)
            Output.Table($"latency: 60 bytes there and back over a pipe, ns ({Machine.Processor}, kernel {Machine.Kernel})",
                LatencyResult.Columns, results.Select(result => result.Row()));
        return ExitCode.Success;
    }
}
