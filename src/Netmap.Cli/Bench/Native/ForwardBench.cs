using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>
/// Two veth pairs in a row: our fast gear sends into the first, a forwarder joins them, and what counts is what comes out of
/// the second, where nobody reads.
/// </summary>
internal sealed class ForwardBench : IWireBench
{
    private const string MacSwap = "macswap";

    private readonly NetworkNamespace _source = NetworkNamespace.Create();
    private readonly NetworkNamespace _middle = NetworkNamespace.Create();
    private readonly NetworkNamespace _end = NetworkNamespace.Create();
    private readonly Wire _first;
    private readonly Wire _second;
    private readonly NetmapEngine _sinkEngine = new(new WireCase(NativeGear.Auto, 60).Engine);
    private readonly NetmapPort _sink;

    public ForwardBench()
    {
        _first = new Wire(_source, "a0", _middle, "b0");
        _second = new Wire(_middle, "b1", _end, "c0");
        // Its ring is full at once: from then on its XDP program drops, the same for everybody.
        _sink = _second.OpenFar(_sinkEngine, "/R");
    }

    public IEnumerable<WireCase> Cases =>
    [
        new(NativeGear.Plain, 60), new(NativeGear.Auto, 60), new(NativeGear.Auto, 1514), new(NativeGear.Auto, 60, MacSwap),
    ];

    public string Cores => "load and the first pair's driver on one core, forwarder and the second pair's driver on another";

    public Round Ours(WireCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new(@case.Engine);
        using NetmapPort from = _first.OpenFar(engine, "");
        using NetmapPort to = _second.OpenNear(engine, "");
        using Running forwarder = new(stop => new Forwarder(from, to, @case.Variant == MacSwap, stop));
        Round round = UnderLoad(@case, window);
        forwarder.Stop();
        return round with { Port = from.Info };
    }

    public Round Peer(string driver, WireCase @case, TimeSpan window)
    {
        string mode = @case.Variant == MacSwap ? MacSwap : "io";
        using PmdPeer peer = new(_middle, driver, ["b0", "b1"], BenchLab.ReceiveCpu, $"--forward-mode={mode}");
        Thread.Sleep(500);
        return UnderLoad(@case, window);
    }

    public void Dispose()
    {
        _sink.Dispose();
        _sinkEngine.Dispose();
        _source.Dispose();
        _middle.Dispose();
        _end.Dispose();
    }

    /// <summary>Loss is what the load sent and the forwarder was too slow for.</summary>
    private Round UnderLoad(WireCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new((@case with { Gear = NativeGear.Auto }).Engine);
        using NetmapPort port = _first.OpenNear(engine, "/T");
        long first = _second.ArrivedFar;
        using Running load = new(stop => Wire.MakeSender(port, @case.Bytes, BenchLab.SendCpu, stop));
        Thread.Sleep(Window.WarmUp);
        Round round = Window.Measure(window, () => _second.ArrivedFar);
        load.Stop();
        Thread.Sleep(50);
        return round with { Loss = Math.Max(0, 1 - ((double)(_second.ArrivedFar - first) / load.Packets)) };
    }
}
