namespace Netmap.Cli.Bench.Native;

/// <summary><c>netmap bench xdp-scaling</c>: what more queues, with a thread each, give in all.</summary>
internal static class WireScaling
{
    private const string Name = "xdp-scaling";

    private static readonly ScalingCase[] s_cases =
    [
        .. from gear in new[] { NativeGear.Plain, NativeGear.Auto }
           from queues in new[] { 2, 4 }
           select new ScalingCase(new(gear, 60), queues),
    ];

    public static readonly Benchmark Bench = new(Name, "Transmit natively over 2 and 4 queues of a veth, a thread each, beside 1 queue.", Measure)
    {
        Needs = _ => BenchNeeds.Root,
    };

    /// <summary>What the queues do not have each for itself.</summary>
    private static string Shared => $"queue i's thread is on CPU i mod {Environment.ProcessorCount}, with the far end's driver for its frames; "
        + "the veth, its counters and the buffer pool are common; the fast gear's frames reach the far queue of the sending CPU's number";

    private static IEnumerable<CaseReport> Measure(BenchRun run)
    {
        TimeSpan window = TimeSpan.FromSeconds(run.Quick ? 1 : 3);
        foreach (ScalingCase @case in run.Choose(s_cases, @case => @case.Name))
        {
            (Round ours, Round? one) = BenchRounds.Run(() => Round(@case, window), () => Round(@case with { Queues = 1 }, window));
            yield return CaseReport.Rate(Name, @case.Name, ours, [PeerReport.Rate("1 queue", ours, one)],
                new() { Bytes = @case.Wire.Bytes, Batch = WireCase.Batch, Cores = Shared });
        }
    }

    private static Round Round(ScalingCase @case, TimeSpan window)
    {
        using WireTxBench bench = new(@case.Queues);
        return bench.Ours(@case.Wire, window);
    }

    private sealed record ScalingCase(WireCase Wire, int Queues)
    {
        public string Name => $"{Wire.Name}-{Queues}queues";
    }
}
