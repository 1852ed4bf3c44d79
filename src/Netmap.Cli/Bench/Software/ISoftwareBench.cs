namespace Netmap.Cli.Bench.Software;

/// <summary>A benchmark of ports that need no interface: its cases, and what stands beside each.</summary>
internal interface ISoftwareBench
{
    IEnumerable<SoftwareCase> Cases { get; }

    /// <summary>What a case is compared with: <c>bare-loop</c>, a peer, or another way to do the same.</summary>
    string PeerOf(SoftwareCase @case);

    Round Ours(SoftwareCase @case, TimeSpan window);

    /// <summary>Null when the peer is not installed.</summary>
    Round? Peer(SoftwareCase @case, TimeSpan window);
}
