namespace Netmap.Cli.Bench.Native;

/// <summary>One benchmark on interfaces: a round of ours, a round of a DPDK driver's on the same ones.</summary>
internal interface IWireBench : IDisposable
{
    IEnumerable<WireCase> Cases { get; }

    /// <summary>What is on which core, in words.</summary>
    string Cores { get; }

    Round Ours(WireCase @case, TimeSpan window);

    /// <param name="driver">A driver of DPDK: <c>net_af_xdp</c>, <c>net_af_packet</c>.</param>
    /// <param name="case">Size and variant; the gear is ours alone.</param>
    /// <param name="window">How long.</param>
    Round Peer(string driver, WireCase @case, TimeSpan window);
}
