namespace Netmap.Cli.Bench.Software;

/// <summary><c>netmap bench latency</c>: round trips over a pipe, spinning and blocking.</summary>
internal static class PipeLatency
{
    private const string Name = "latency";
    private const string Blocking = "blocking";
    private const long Trips = 10_000_000;
    private const long QuickSpins = 1_000_000;
    private const long QuickWakes = 50_000;

    public static readonly Benchmark Bench = new(Name, "60 bytes there and back over a pipe between two threads.", Measure)
    {
        Quickly = "fewer round trips",
    };

    private static IEnumerable<CaseReport> Measure(BenchRun run)
    {
        foreach (string @case in run.Choose(["spinning", Blocking], @case => @case))
        {
            bool blocking = @case == Blocking;
            LatencyResult result = new(@case);
            using PipeEnds pipe = new();
            byte[] frame = Frames.Make(60);
            PingPong pingPong = new(new PortEnd(pipe.Sender, frame, blocking), new PortEnd(pipe.Receiver, frame, blocking));
            pingPong.Run(!run.Quick ? Trips : blocking ? QuickWakes : QuickSpins, result);
            yield return CaseReport.Times(Name, result, [], new() { Bytes = 60, Batch = 1, Cores = "a thread each" });
        }
    }
}
