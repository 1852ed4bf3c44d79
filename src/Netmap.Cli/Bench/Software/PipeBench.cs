namespace Netmap.Cli.Bench.Software;

/// <summary>Both ends of a pipe in one process: slots change hands, data stays where it is.</summary>
internal sealed class PipeBench(MemifPeer memif) : ISoftwareBench
{
    public IEnumerable<SoftwareCase> Cases => SoftwareCase.All;

    public string PeerOf(SoftwareCase @case) => @case.Cores == 1 ? "bare-loop" : MemifPeer.Name;

    public Round Ours(SoftwareCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new();
        using NetmapPort sender = NetmapPort.Open("netmap:bench{1", engine: engine);
        using NetmapPort receiver = NetmapPort.Open("netmap:bench}1", engine: engine);
        PortSource source = new(sender, @case, Frames.Make(@case.Bytes));
        PortSink sink = new(receiver);
        return StageRun.Measure(@case.Cores == 1 ? [new ByTurns(source, sink)] : [source, sink], window);
    }

    public Round? Peer(SoftwareCase @case, TimeSpan window)
    {
        if (@case.Cores > 1)
            return memif.Measure(@case, window);
        using BareLoop loop = new(@case, copies: false, Frames.Make(@case.Bytes));
        return StageRun.Measure([loop], window);
    }
}
