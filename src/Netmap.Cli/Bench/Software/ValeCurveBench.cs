namespace Netmap.Cli.Bench.Software;

/// <summary>
/// What a packet costs on switches of 2 to 64 ports, one of which sends to others on the same thread: all to one
/// station, to all stations in turn, and to everybody. Packets are counted where they arrive; beside each case stands the
/// same work with two ports.
/// </summary>
internal sealed class ValeCurveBench(bool quick) : ISoftwareBench
{
    private const int Bytes = 60;
    private const int Batch = 512;
    private const string One = "unicast-to-one";
    private const string InTurn = "unicast-in-turn";
    private const string Everybody = "broadcast";

    public IEnumerable<SoftwareCase> Cases =>
        from kind in new[] { One, InTurn, Everybody }
        from ports in quick ? new[] { 8, 64 } : [4, 8, 16, 32, 64]
        select new SoftwareCase(Bytes, Batch, Cores: 1) { Variant = $"{kind}-{ports}ports" };

    public string PeerOf(SoftwareCase @case) => "2 ports";

    public Round Ours(SoftwareCase @case, TimeSpan window)
    {
        int at = @case.Variant.LastIndexOf('-');
        return Measure(@case, @case.Variant[..at], int.Parse(@case.Variant[(at + 1)..^"ports".Length]), window);
    }

    public Round? Peer(SoftwareCase @case, TimeSpan window) =>
        Measure(@case, @case.Variant[..@case.Variant.LastIndexOf('-')], 2, window);

    private static Round Measure(SoftwareCase @case, string kind, int count, TimeSpan window)
    {
        using ValePorts ports = new(count);
        byte[][] frames = kind switch
        {
            One => [Frames.Make(Bytes)],
            InTurn => [.. Enumerable.Range(1, count - 1).Select(to => Frames.Make(Bytes, to))],
            _ => [Frames.Make(Bytes, to: -1)],
        };
        PortSource source = new(ports.Sender, @case, frames);
        Stage[] sinks = [.. ports.Receivers.Take(kind == One ? 1 : count).Select(port => new PortSink(port))];
        // A receiver syncs when it has about a batch; everybody has after each broadcast.
        return StageRun.Measure([new ByTurns(source, kind == Everybody ? new Together(sinks) : new InRotation(sinks))], window);
    }
}
