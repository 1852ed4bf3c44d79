namespace Netmap.Cli.Bench.Software;

/// <summary>Both ends of a pipe in one process: slots change hands, data stays where it is.</summary>
internal sealed class PipeBench(MemifPeer memif) : ISoftwareBench
{
    public IEnumerable<SoftwareCase> Cases => SoftwareCase.All;

    public string PeerOf(SoftwareCase @case) => @case.Cores == 1 ? BareLoop.Name : MemifPeer.Name;

    public Round Ours(SoftwareCase @case, TimeSpan window)
    {
        using PipeEnds pipe = new();
        return StageRun.Measure(@case.Cores == 1 ? [pipe.OneThread(@case)] : [pipe.Source(@case), new PortSink(pipe.Receiver)], window);
    }

    public Round? Peer(SoftwareCase @case, TimeSpan window)
    {
        if (@case.Cores > 1)
            return memif.Measure(@case, window);
        using BareLoop loop = new(@case, copies: false, Frames.Make(@case.Bytes));
        return StageRun.Measure([loop], window);
    }
}
