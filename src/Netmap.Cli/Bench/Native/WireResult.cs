using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Native;

/// <summary>Medians of one case, ours and each driver's.</summary>
internal sealed record WireResult(WireCase Case, Round Ours, IReadOnlyList<(string Driver, Round Round)> Peers)
{
    public void WriteJson(string bench, string cores) => Output.Json(new
    {
        Bench = bench,
        Case = Case.Name,
        OursMpps = Math.Round(Ours.Mpps, 3),
        Loss = Math.Round(Ours.Loss, 4),
        Peers = Peers.Count == 0
            ? [new { Name = $"DPDK is missing: apt-get install {DpdkPeer.Package}", Mpps = (double?)null, Loss = (double?)null, Ratio = (double?)null }]
            : Peers.Select(peer => new
            {
                Name = $"DPDK {peer.Driver}",
                Mpps = (double?)Math.Round(peer.Round.Mpps, 3),
                Loss = (double?)Math.Round(peer.Round.Loss, 4),
                Ratio = (double?)Math.Round(Ours.Mpps / peer.Round.Mpps, 3),
            }).ToArray(),
        AllocBytesPerPacket = Math.Round(Ours.AllocatedPerPacket, 4),
        Gc = Ours.Collections,
        Cpu = Math.Round(Ours.Cpu, 2),
        Case.Bytes,
        WireCase.Batch,
        Cores = cores,
        Ours.Port?.Driver,
        Ours.Port?.Adapter,
        Ours.Port?.Mode,
        Ours.Port?.Gear,
        MachineCores = Environment.ProcessorCount,
        Machine.Processor,
        Machine.Kernel,
    });

    public string[] Row() =>
    [
        Case.Name, $"{Ours.Mpps:F3}", $"{Ours.Loss:P2}",
        .. Peers.SelectMany(peer => new[] { $"{peer.Round.Mpps:F3}", $"{Ours.Mpps / peer.Round.Mpps:F2}" }),
        $"{Ours.Cpu:F2}", $"{Ours.AllocatedPerPacket:F4}", $"{Ours.Collections}",
    ];
}
