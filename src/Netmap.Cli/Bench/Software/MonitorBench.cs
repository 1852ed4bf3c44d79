namespace Netmap.Cli.Bench.Software;

/// <summary>
/// What a monitor costs the port it looks at: a pipe both of whose ends are on one thread, with a monitor of the sending
/// end and without. On one core the same thread reads the monitor too; on two, another one does.
/// </summary>
internal sealed class MonitorBench : ISoftwareBench
{
    private const string ZeroCopy = "zcopy";

    public IEnumerable<SoftwareCase> Cases =>
        from @case in SoftwareCase.All
        where @case.Batch >= 64
        from variant in new[] { "copy", ZeroCopy }
        select @case with { Variant = variant };

    public string PeerOf(SoftwareCase @case) => "no monitor";

    public Round Ours(SoftwareCase @case, TimeSpan window)
    {
        using PipeEnds pipe = new();
        using NetmapPort monitor = NetmapPort.Open(PipeEnds.SenderName + (@case.Variant == ZeroCopy ? "/z" : "/t"), engine: pipe.Engine);
        Stage traffic = pipe.OneThread(@case);
        PortSink watcher = new(monitor);
        if (@case.Cores == 1)
            return StageRun.Measure([new Watched(watcher, traffic)], window);
        return StageRun.Measure([traffic, watcher], window, counted: 0);
    }

    public Round? Peer(SoftwareCase @case, TimeSpan window)
    {
        using PipeEnds pipe = new();
        return StageRun.Measure([pipe.OneThread(@case)], window);
    }
}
