using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Software;

/// <summary>Results of a benchmark's cases.</summary>
internal sealed record SoftwareResult(SoftwareCase Case, Round Ours, string PeerName, Round? Peer)
{
    private double? Ratio => Peer is null ? null : Math.Round(Ours.Mpps / Peer.Mpps, 3);

    public void WriteJson(string bench) => Output.Json(new
    {
        Bench = bench,
        Case = Case.Name,
        OursMpps = Math.Round(Ours.Mpps, 3),
        Peer = PeerName,
        PeerMpps = Peer is null ? (double?)null : Math.Round(Peer.Mpps, 3),
        Ratio,
        Loss = Math.Round(Ours.Loss, 4),
        PeerLoss = Peer is null ? (double?)null : Math.Round(Peer.Loss, 4),
        AllocBytesPerPacket = Math.Round(Ours.AllocatedPerPacket, 4),
        Gc = Ours.Collections,
        Cpu = Math.Round(Ours.Cpu, 2),
        Case.Batch,
        Case.Bytes,
        Case.Cores,
        MachineCores = Environment.ProcessorCount,
        Machine.Processor,
        Machine.Kernel,
    });

    public string[] Row() =>
    [
        Case.Name, $"{Ours.Mpps:F2}", PeerName, Peer is null ? "not installed" : $"{Peer.Mpps:F2}",
        Ratio is { } ratio ? $"{ratio:F3}" : "", $"{Ours.Loss:P2}", $"{Ours.AllocatedPerPacket:F4}", $"{Ours.Collections}",
    ];

    public static void WriteTable(string title, IEnumerable<SoftwareResult> results) =>
        Output.Table($"{title} ({Machine.Processor}, kernel {Machine.Kernel})",
            ["case", "Mpps", "beside", "its Mpps", "ratio", "loss", "bytes/packet", "GC"], results.Select(result => result.Row()));
}
