using Netmap.Cli.PktGen;
using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>One thread receives what our fast gear sends from the other core.</summary>
internal sealed class WireRxBench : IWireBench
{
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly Wire _wire;

    public WireRxBench() => _wire = new Wire(_near, "b0", _far, "b1");

    public IEnumerable<WireCase> Cases => WireCase.Both;

    public string Cores => "load and the receiver's driver on one core, the receiver on another";

    public Round Ours(WireCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new(@case.Engine);
        using NetmapPort port = _wire.OpenNear(engine, "/R");
        using Running receiver = new(stop => Receiver(port, stop));
        Round round = UnderLoad(@case, window, () => receiver.Packets);
        receiver.Stop();
        return round with { Port = port.Info };
    }

    public Round Peer(string driver, WireCase @case, TimeSpan window)
    {
        using PmdPeer peer = new(_near, driver, ["b0"], BenchLab.ReceiveCpu, "--forward-mode=rxonly");
        Thread.Sleep(500);
        return UnderLoad(@case, window, peer.Received);
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    public static Receiver Receiver(NetmapPort port, CancellationToken stop) =>
        new(new PktGenOptions { Interface = port.Name, Burst = 8192, FirstCpu = BenchLab.ReceiveCpu }, port, 0, stop);

    private Round UnderLoad(WireCase @case, TimeSpan window, Func<long> received)
    {
        using NetmapEngine engine = new((@case with { Gear = NativeGear.Auto }).Engine);
        using NetmapPort port = _wire.OpenFar(engine, "/T");
        using Running load = new(stop => Wire.MakeSender(port, @case.Bytes, BenchLab.SendCpu, stop));
        long first = received();
        Thread.Sleep(Window.WarmUp);
        Round round = Window.Measure(window, received);
        load.Stop();
        Thread.Sleep(50);
        // All of the run: what is under way at the edges of the window is no loss.
        return round with { Loss = Math.Max(0, 1 - ((double)(received() - first) / load.Packets)) };
    }
}
