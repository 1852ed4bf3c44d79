namespace Netmap.Cli.Bench.Software;

/// <summary>Two ports of a switch in one process: each frame is looked up and copied.</summary>
internal sealed class ValeBench(MemifPeer memif) : ISoftwareBench
{
    public IEnumerable<SoftwareCase> Cases => SoftwareCase.All;

    public string PeerOf(SoftwareCase @case) => @case.Cores == 1 ? "bare-loop" : MemifPeer.Name;

    public Round Ours(SoftwareCase @case, TimeSpan window)
    {
        using NetmapEngine engine = new(new() { SwitchBatch = int.Parse(Environment.GetEnvironmentVariable("SB") ?? "1024") });
        using NetmapPort sender = NetmapPort.Open("vale0:a", engine: engine);
        using NetmapPort receiver = NetmapPort.Open("vale0:b", engine: engine);
        Announce(receiver, station: 1);
        PortSource source = new(sender, @case, Frames.Make(@case.Bytes));
        PortSink sink = new(receiver);
        return StageRun.Measure(@case.Cores == 1 ? [new ByTurns(source, sink)] : [source, sink], window);
    }

    public Round? Peer(SoftwareCase @case, TimeSpan window)
    {
        if (@case.Cores > 1)
            return memif.Measure(@case, window);
        using BareLoop loop = new(@case, copies: true, Frames.Make(@case.Bytes));
        return StageRun.Measure([loop], window);
    }

    /// <summary>The switch learns where a station is.</summary>
    public static void Announce(NetmapPort port, int station)
    {
        port.TxRings[0].TrySend(Frames.Make(60, to: -1, from: station));
        port.TxSync();
    }
}
