using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>From one program to another over the wire: our sender to our receiver, a DPDK driver to the same one.</summary>
internal sealed class WireEndToEndBench : IWireBench
{
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly Wire _wire;

    public WireEndToEndBench() => _wire = new Wire(_near, "b0", _far, "b1");

    public IEnumerable<WireCase> Cases => WireCase.Both;

    public string Cores => "sender and the receiver's driver on one core, the receiver on another";

    public Round Ours(WireCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new(@case.Engine);
        using NetmapPort to = _wire.OpenFar(engine, "/R");
        using NetmapPort from = _wire.OpenNear(engine, "/T");
        using Running receiver = new(stop => WireRxBench.Receiver(to, stop));
        using Running sender = new(stop => Wire.MakeSender(from, @case.Bytes, BenchLab.SendCpu, stop));
        Thread.Sleep(Window.WarmUp);
        Round round = Window.Measure(window, () => receiver.Packets);
        sender.Stop();
        Thread.Sleep(50);
        receiver.Stop();
        // All of the run: what is under way at the edges of the window is no loss.
        return round with { Loss = 1 - ((double)receiver.Packets / sender.Packets), Port = to.Info };
    }

    public Round Peer(string driver, WireCase @case, TimeSpan window)
    {
        using PmdPeer receiver = new(_far, driver, ["b1"], BenchLab.ReceiveCpu, "--forward-mode=rxonly");
        using PmdPeer sender = new(_near, driver, ["b0"], BenchLab.SendCpu, "--forward-mode=txonly", $"--txpkts={@case.Bytes}");
        Thread.Sleep(500);
        long arrived = _wire.ArrivedFar;
        long before = receiver.Received();
        Meter meter = new();
        Thread.Sleep(window);
        long received = receiver.Received() - before;
        arrived = _wire.ArrivedFar - arrived;
        return meter.Stop(received, Math.Max(0, 1 - ((double)received / Math.Max(1, arrived))), 0);
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }
}
