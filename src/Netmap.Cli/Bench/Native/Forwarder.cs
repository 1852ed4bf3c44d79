using Netmap.Cli.Bridge;
using Netmap.Cli.PktGen;

namespace Netmap.Cli.Bench.Native;

/// <summary>One direction of <c>netmap bridge</c>, or the same with each frame's addresses exchanged on the way.</summary>
internal sealed class Forwarder(NetmapPort from, NetmapPort to, bool swap, CancellationToken stop)
    : Worker(new PktGenOptions { Interface = from.Name, FirstCpu = BenchLab.ReceiveCpu }, from, 0, stop)
{
    private static readonly TimeSpan s_pollTimeout = TimeSpan.FromSeconds(1);

    protected override void Work()
    {
        if (swap)
        {
            Swap();
            return;
        }
        Lane lane = new(Port, to, new BridgeOptions { First = Port.Name, Second = to.Name }, Stop);
        lane.Run();
        Progress.Failure = lane.Failure;
        Count((int)Math.Min(lane.Packets, int.MaxValue), lane.Bytes);
    }

    private void Swap()
    {
        RxRing rx = Port.RxRings[0];
        TxRing tx = to.TxRings[0];
        while (More)
        {
            Port.Poll(PollEvents.Receive, s_pollTimeout, Stop);
            int moved = 0;
            for (; tx.Space > 0 && rx.TryPeek(out RxFrame frame); moved++)
            {
                Exchange(frame.Data);
                tx.TryForward(frame);
                rx.Advance(frame.SlotCount);
            }
            to.TxSync();
            Count(moved, 0);
        }
    }

    private static void Exchange(Span<byte> frame)
    {
        Span<byte> address = stackalloc byte[6];
        frame[..6].CopyTo(address);
        frame[6..12].CopyTo(frame);
        address.CopyTo(frame[6..]);
    }
}
