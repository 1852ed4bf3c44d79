using System.Net.NetworkInformation;
using Netmap.Cli.PktGen;

namespace Netmap.Cli.Bench;

/// <summary>
/// One thread sends 60-byte frames as fast as it can; what counts is what comes out at the far end, whose stack drops it.
/// </summary>
internal sealed class GenericTxBench(BenchLab lab) : IGenericBench
{
    public int Batch => 512;

    public Round Ours(TimeSpan window)
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { AdapterMode = AdapterMode.Generic });
        using NetmapPort port = lab.Open(engine, "/T");
        PortInfo info = port.Info;
        using CancellationTokenSource stop = new();
        PktGenOptions options = new()
        {
            Interface = "b0",
            Function = "tx",
            Burst = Batch,
            FirstCpu = BenchLab.SendCpu,
            DestinationMac = PhysicalAddress.Parse(BenchLab.StrangerMac).GetAddressBytes(),
        };
        Sender sender = new(options, port, PhysicalAddress.Parse(BenchLab.NearMac).GetAddressBytes(), 0, stop.Token);
        long allocated = 0;
        Thread thread = new(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            sender.Run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        thread.Start();
        Thread.Sleep(200);
        long sentBefore = Volatile.Read(ref sender.Progress.Packets);
        long arrivedBefore = lab.ArrivedFar;
        Meter meter = new();
        Thread.Sleep(window);
        long arrived = lab.ArrivedFar - arrivedBefore;
        long sent = Volatile.Read(ref sender.Progress.Packets) - sentBefore;
        Round round = meter.Stop(arrived, Math.Max(0, 1 - ((double)arrived / sent)), 0);
        stop.Cancel();
        thread.Join();
        return round with { AllocatedPerPacket = (double)allocated / sender.Progress.Packets, Port = info };
    }

    public Round? Peer(TimeSpan window)
    {
        if (!DpdkPeer.IsInstalled)
            return null;
        using DpdkPeer peer = DpdkPeer.Start(lab.Near, "b0", BenchLab.SendCpu, "--forward-mode=txonly", "--txpkts=60", "-a",
            $"--eth-peer=0,{BenchLab.StrangerMac}");
        Thread.Sleep(500);
        long before = lab.ArrivedFar;
        Meter meter = new();
        Thread.Sleep(window);
        Round round = meter.Stop(lab.ArrivedFar - before, 0, 0);
        peer.Stop();
        return round with { Cpu = 0 };
    }
}
