using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Host;

/// <summary>
/// Released frames that go on by themselves (spec 6, NS_FORWARD): a program that only looks marks what the host, or the
/// wire, is to get anyway.
/// </summary>
internal sealed class HostForwarder(IHostTxQueue queue)
{
    // Threads that receive on different rings share this one way to the host.
    private readonly Lock _lock = new();
    private readonly FrameBatch _batch = new();

    /// <summary>Frames of a NIC ring's released slots to the host, copied; marks are cleared.</summary>
    /// <param name="ring">Entered; slots hwcur..rhead.</param>
    /// <param name="all">Marked or not.</param>
    public void Up(KRing ring, bool all)
    {
        lock (_lock)
        {
            uint at = ring.HwCur;
            while (at != ring.RHead)
            {
                if (!all && (ring.FlagsOf(at) & NetmapH.NS_FORWARD) == 0)
                {
                    at = ring.Next(at);
                    continue;
                }
                if (_batch.IsFull)
                    _batch.Flush(queue, ring.Counters);
                int slots = _batch.Add(ring, at, ring.RHead);
                if (slots == 0)
                {
                    // The rest of the frame is not released with it.
                    ring.Counters.Drop(DropReason.Truncated);
                    slots = 1;
                }
                for (; slots > 0; slots--, at = ring.Next(at))
                    ring.ClearFlags(at, NetmapH.NS_FORWARD);
            }
            _batch.Flush(queue, ring.Counters);
        }
    }

    /// <summary>
    /// Frames of a host ring's released slots to whatever NIC transmit rings have room, by exchanging buffers; the next
    /// sync of those sends them. Without room they are lost, and counted.
    /// </summary>
    /// <param name="ring">Entered; slots hwcur..rhead.</param>
    /// <param name="nicTx">All of the interface's.</param>
    /// <param name="all">Marked or not.</param>
    public static void Down(KRing ring, KRing[] nicTx, bool all)
    {
        uint at = Skip(ring, ring.HwCur, all);
        foreach (KRing tx in nicTx)
        {
            if (at == ring.RHead)
                return;
            if (tx.TryEnter() != RingEntry.Entered)
                continue;
            if (!tx.Prologue())
                tx.Reinit();
            else
            {
                while (at != ring.RHead && tx.TakeOver(ring, at) >= 0)
                {
                    ring.HasForwarded = true;
                    at = Skip(ring, ring.Next(at), all);
                }
            }
            tx.Exit();
        }
        for (; at != ring.RHead; at = Skip(ring, ring.Next(at), all))
            ring.Counters.Drop(DropReason.DestinationFull);
    }

    /// <summary>The next frame to forward from <paramref name="at"/> on.</summary>
    private static uint Skip(KRing ring, uint at, bool all)
    {
        while (at != ring.RHead && !all && (ring.FlagsOf(at) & NetmapH.NS_FORWARD) == 0)
            at = ring.Next(at);
        return at;
    }
}
