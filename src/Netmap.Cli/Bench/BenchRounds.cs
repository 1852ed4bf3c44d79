namespace Netmap.Cli.Bench;

/// <summary>One benchmark: a round of ours, a round of the peer's.</summary>
internal interface IBench
{
    /// <summary>Frames a sync.</summary>
    int Batch { get; }

    /// <summary>How our side ran.</summary>
    string Mode { get; }

    Round Ours(TimeSpan window);

    /// <summary>Null when the peer is not installed.</summary>
    Round? Peer(TimeSpan window);
}

/// <summary>What one round gave.</summary>
/// <param name="Mpps">Million frames a second.</param>
/// <param name="Loss">Part of the frames that were lost, 0..1.</param>
/// <param name="Cpu">CPU time over wall time, 1 is one core.</param>
/// <param name="AllocatedPerPacket">Bytes allocated on the managed heap for each frame.</param>
/// <param name="Collections">Garbage collections.</param>
internal sealed record Round(double Mpps, double Loss, double Cpu = 0, double AllocatedPerPacket = 0, int Collections = 0)
{
    /// <summary>The port that was measured, as it ran; null for peers.</summary>
    public PortInfo? Port { get; init; }
}

/// <summary>Three rounds, ours and the peer's by turns, and the medians.</summary>
internal static class BenchRounds
{
    private const int Rounds = 3;

    public static BenchResult Run(string name, IBench bench, BenchLab lab, bool quick)
    {
        TimeSpan window = TimeSpan.FromSeconds(quick ? 1.5 : 5);
        bench.Ours(TimeSpan.FromSeconds(0.5));
        List<Round> ours = [];
        List<Round> peer = [];
        for (int i = 0; i < Rounds; i++)
        {
            ours.Add(bench.Ours(window));
            if (bench.Peer(window) is { } round)
                peer.Add(round);
        }
        return new BenchResult(name, bench, Median(ours), peer.Count > 0 ? Median(peer) : null);
    }

    public static Round Median(List<Round> rounds) => rounds.OrderBy(round => round.Mpps).ElementAt(rounds.Count / 2);
}
