namespace Netmap.Cli.PktGen;

/// <summary>pong: sends every frame back with its addresses exchanged.</summary>
internal sealed class Ponger(PktGenOptions options, NetmapPort port, int index, CancellationToken stop)
    : Worker(options, port, index, stop)
{
    private static readonly TimeSpan s_pollTimeout = TimeSpan.FromSeconds(1);

    protected override void Work()
    {
        while (More)
        {
            if ((Port.Poll(PollEvents.Receive, s_pollTimeout, Stop) & PollEvents.Error) != 0)
                Port.RxSync();
            foreach (RxRing ring in Port.RxRings)
                Answer(ring, Port.TxRings[0]);
            Port.TxSync();
        }
    }

    private void Answer(RxRing ring, TxRing replies)
    {
        Span<byte> address = stackalloc byte[6];
        int packets = 0;
        long bytes = 0;
        foreach (RxFrame frame in ring)
        {
            Span<byte> data = frame.Data;
            if (Share > 0 && Progress.Packets + packets == Share)
                break;
            if (replies.Space == 0)
                Port.TxSync();
            if (data.Length < 14 || replies.Space == 0)
            {
                Progress.Lost++;
                continue;
            }
            data[..6].CopyTo(address);
            data[6..12].CopyTo(data);
            address.CopyTo(data[6..]);
            replies.TrySend(data);
            packets++;
            bytes += data.Length;
        }
        if (packets > 0)
            Count(packets, bytes);
    }
}
