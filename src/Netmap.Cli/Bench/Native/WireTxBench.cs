using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>
/// One thread a queue sends as fast as it can; what counts is what comes out at the far end, where nobody reads.
/// </summary>
internal sealed class WireTxBench : IWireBench
{
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly Wire _wire;
    private readonly NetmapEngine _sinkEngine = new(new WireCase(NativeGear.Auto, 60).Engine);
    private readonly NetmapPort _sink;

    private readonly int _queues;

    public WireTxBench(int queues = 1)
    {
        _queues = queues;
        _wire = new Wire(_near, "b0", _far, "b1", queues);
        // Its rings are full at once: from then on its XDP program drops, the same for everybody.
        _sink = _wire.OpenFar(_sinkEngine, "/R");
    }

    public IEnumerable<WireCase> Cases => WireCase.Both;

    public string Cores => "sender and the far end's driver on one core";

    public Round Ours(WireCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new(@case.Engine);
        NetmapPort[] ports = [.. Enumerable.Range(0, _queues).Select(queue => _wire.OpenNear(engine, $"-{queue}/T"))];
        long before = _wire.ArrivedFar;
        Running[] senders = [.. ports.Select((port, queue) => new Running(stop => Wire.MakeSender(port, @case.Bytes, Cpu(queue), stop)))];
        try
        {
            Thread.Sleep(Window.WarmUp);
            Round round = Count(window);
            Array.ForEach(senders, sender => sender.Stop());
            // All of the run: what is under way at the edges of the window is no loss.
            long arrived = _wire.ArrivedFar - before;
            return round with { Loss = 1 - ((double)arrived / senders.Sum(sender => sender.Packets)), Port = ports[0].Info };
        }
        finally
        {
            Array.ForEach(senders, sender => sender.Dispose());
            Array.ForEach(ports, port => port.Dispose());
        }
    }

    public Round Peer(string driver, WireCase @case, TimeSpan window)
    {
        using PmdPeer peer = new(_near, driver, ["b0"], BenchLab.SendCpu, "--forward-mode=txonly", $"--txpkts={@case.Bytes}");
        Thread.Sleep(500);
        return Count(window);
    }

    public void Dispose()
    {
        _sink.Dispose();
        _sinkEngine.Dispose();
        _near.Dispose();
        _far.Dispose();
    }

    private static int Cpu(int queue) => (BenchLab.SendCpu + queue) % Environment.ProcessorCount;

    private Round Count(TimeSpan window) => Window.Measure(window, () => _wire.ArrivedFar);
}
