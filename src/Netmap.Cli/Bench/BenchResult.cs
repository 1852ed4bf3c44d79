using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>The line of a benchmark.</summary>
internal sealed class BenchResult(string name, IBench bench, Round ours, Round? peer)
{
    private const string PeerName = "DPDK net_af_packet";

    public void Write(bool json)
    {
        double? ratio = peer is null ? null : Math.Round(ours.Mpps / peer.Mpps, 3);
        if (json)
        {
            Output.Json(new
            {
                Bench = name,
                Case = "veth",
                OursMpps = Math.Round(ours.Mpps, 3),
                Peer = peer is null ? $"{PeerName} is missing: apt-get install {DpdkPeer.Package}" : PeerName,
                PeerMpps = peer is null ? (double?)null : Math.Round(peer.Mpps, 3),
                Ratio = ratio,
                Loss = Math.Round(ours.Loss, 4),
                PeerLoss = peer is null ? (double?)null : Math.Round(peer.Loss, 4),
                AllocBytesPerPacket = Math.Round(ours.AllocatedPerPacket, 4),
                Gc = ours.Collections,
                Cpu = Math.Round(ours.Cpu, 2),
                bench.Mode,
                bench.Batch,
                Bytes = 60,
                Cores = Environment.ProcessorCount,
                Kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            });
            return;
        }
        Output.Table($"{name}: veth, 60-byte frames, {bench.Mode}", ["", "Mpps", "loss", "CPU", "bytes/packet", "GC"],
        [
            ["ours", $"{ours.Mpps:F3}", $"{ours.Loss:P2}", $"{ours.Cpu:F2}", $"{ours.AllocatedPerPacket:F4}", $"{ours.Collections}"],
            peer is null
                ? [$"{PeerName} missing: apt-get install {DpdkPeer.Package}", "", "", "", "", ""]
                : [PeerName, $"{peer.Mpps:F3}", $"{peer.Loss:P2}", "", "", ""],
        ]);
        if (ratio is not null)
            Console.Out.WriteLine($"ratio {ratio:F3}");
    }
}
