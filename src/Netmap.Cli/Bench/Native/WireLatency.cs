namespace Netmap.Cli.Bench.Native;

/// <summary><c>netmap bench xdp-latency</c>: round trips over a veth, natively and over the kernel's sockets.</summary>
internal static class WireLatency
{
    private const string Name = "xdp-latency";
    private const long Trips = 100_000;
    private const long QuickTrips = 20_000;

    private static readonly (Carrier Carrier, string Name)[] s_peers = [(Carrier.Udp, "UDP sockets"), (Carrier.Packet, "packet sockets")];

    private static readonly LatencyCase[] s_cases =
    [
        new(Carrier.Native, true), new(Carrier.Plain, true), new(Carrier.Native, false), new(Carrier.Plain, false),
    ];

    public static readonly Benchmark Bench = new(Name, "60 bytes there and back over a veth, a core for each end, beside UDP and packet sockets.", Measure)
    {
        Quickly = "fewer round trips",
        Needs = _ => BenchNeeds.Root,
    };

    private static IEnumerable<CaseReport> Measure(BenchRun run)
    {
        LatencyCase[] cases = run.Choose(s_cases, @case => @case.Name);
        // Cases that wait in the same way share the sockets' rounds.
        IEnumerable<LatencyCase> peers = from blocking in cases.Select(@case => @case.Blocking).Distinct()
                                         from peer in s_peers
                                         select new LatencyCase(peer.Carrier, blocking);
        Dictionary<LatencyCase, LatencyResult> results = cases.Concat(peers).ToDictionary(@case => @case, @case => new LatencyResult(@case.Name));
        using WireLatencyBench bench = new();
        for (int i = 0; i < BenchRounds.Count; i++)
        {
            foreach ((LatencyCase @case, LatencyResult result) in results)
                bench.Run(@case.Carrier, @case.Blocking, run.Quick ? QuickTrips : Trips, result);
        }
        foreach (LatencyCase @case in cases)
        {
            LatencyResult ours = results[@case];
            yield return CaseReport.Times(Name, ours,
                s_peers.Select(peer => PeerReport.Time(peer.Name, ours.Median, results[new(peer.Carrier, @case.Blocking)].Median)),
                new() { Bytes = 60, Batch = 1, Cores = "one for each end" });
        }
    }

    private sealed record LatencyCase(Carrier Carrier, bool Blocking)
    {
        public string Name => $"{Carrier.ToString().ToLowerInvariant()}-{(Blocking ? "blocking" : "spinning")}";
    }
}
