namespace Netmap.Cli.Bench.Software;

/// <summary>Two ports of a switch in one process: each frame is looked up and copied.</summary>
internal sealed class ValeBench(MemifPeer memif) : ISoftwareBench
{
    public IEnumerable<SoftwareCase> Cases => SoftwareCase.All;

    public string PeerOf(SoftwareCase @case) => @case.Cores == 1 ? BareLoop.Name : MemifPeer.Name;

    public Round Ours(SoftwareCase @case, TimeSpan window)
    {
        using ValePorts ports = new(2);
        PortSource source = new(ports.Sender, @case, [Frames.Make(@case.Bytes)]);
        PortSink sink = new(ports.Receivers[0]);
        return StageRun.Measure(@case.Cores == 1 ? [new ByTurns(source, sink)] : [source, sink], window);
    }

    public Round? Peer(SoftwareCase @case, TimeSpan window)
    {
        if (@case.Cores > 1)
            return memif.Measure(@case, window);
        using BareLoop loop = new(@case, copies: true, Frames.Make(@case.Bytes));
        return StageRun.Measure([loop], window);
    }
}
