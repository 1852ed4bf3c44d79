namespace Netmap.Cli.Bench;

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

/// <summary>Rounds, ours and the peers' by turns, and their medians.</summary>
internal static class BenchRounds
{
    public const int Count = 3;

    /// <param name="ours">One round.</param>
    /// <param name="peer">One round; null when the peer is not installed.</param>
    public static (Round Ours, Round? Peer) Run(Func<Round> ours, Func<Round?> peer)
    {
        List<Round> rounds = [];
        List<Round> peers = [];
        for (int i = 0; i < Count; i++)
        {
            rounds.Add(ours());
            if (peer() is { } round)
                peers.Add(round);
        }
        return (Median(rounds), peers.Count > 0 ? Median(peers) : null);
    }

    public static Round Median(List<Round> rounds) => rounds.OrderBy(round => round.Mpps).ElementAt(rounds.Count / 2);
}
