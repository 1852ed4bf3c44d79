using Netmap.Cli.PktGen;

namespace Netmap.Cli.Bench;

/// <summary>One thread receives 60-byte frames from a load that is the same for both.</summary>
internal sealed class GenericRxBench(BenchLab lab) : IGenericBench
{
    private readonly UdpLoad _load = new(lab);

    public int Batch => 1024;

    public Round Ours(TimeSpan window)
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { AdapterMode = AdapterMode.Generic });
        using NetmapPort port = lab.Open(engine, "/R");
        PortInfo info = port.Info;
        using CancellationTokenSource stop = new();
        Receiver receiver = new(new PktGenOptions { Interface = "b0", Burst = 8192, FirstCpu = BenchLab.ReceiveCpu }, port, 0, stop.Token);
        long allocated = 0;
        Thread thread = new(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            receiver.Run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        thread.Start();
        Thread.Sleep(100);
        Meter meter = new();
        long offered = _load.Run(window);
        double seconds = meter.Seconds;
        Thread.Sleep(50);
        stop.Cancel();
        thread.Join();
        long received = receiver.Progress.Packets;
        Round round = meter.Stop(received, 1 - ((double)received / offered), allocated);
        return round with { Mpps = received / seconds / 1e6, Port = info };
    }

    public Round? Peer(TimeSpan window)
    {
        if (!DpdkPeer.IsInstalled)
            return null;
        using DpdkPeer peer = DpdkPeer.Start(lab.Near, "b0", BenchLab.ReceiveCpu, "--forward-mode=rxonly", "-a");
        Thread.Sleep(500);
        Meter meter = new();
        long offered = _load.Run(window);
        double seconds = meter.Seconds;
        Thread.Sleep(50);
        long received = peer.Stop();
        return new Round(received / seconds / 1e6, 1 - ((double)received / offered));
    }
}
