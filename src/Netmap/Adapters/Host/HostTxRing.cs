using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Host;

/// <summary>
/// To the host (spec 6): every frame put here arrives at the host's stack as if the interface had received it, before the
/// sync returns. Slots joined with NS_MOREFRAG are one frame, so that a long one that came over several slots goes on as
/// it was; the reference makes a packet of each.
/// </summary>
internal sealed class HostTxRing(KRing ring, IHostTxQueue queue)
{
    private readonly FrameBatch _batch = new();

    /// <summary>
    /// All of hwcur..rhead, but for a frame whose last slot has not come yet: it waits, as long as it may still become one.
    /// </summary>
    public Errno Sync()
    {
        RingCounters counters = ring.Counters;
        counters.Syncs++;
        Errno result = Errno.Success;
        uint at = ring.HwCur;
        while (at != ring.RHead)
        {
            if (_batch.IsFull)
                Flush(counters, ref result);
            int slots = _batch.Add(ring, at, ring.RHead);
            if (slots == 0)
                break;
            for (; slots > 0; slots--, at = ring.Next(at))
                ring.ClearFlags(at, NetmapH.NS_REPORT | NetmapH.NS_BUF_CHANGED);
        }
        Flush(counters, ref result);
        ring.HwCur = at;
        ring.HwTail = ring.Previous(at);
        return result;
    }

    private void Flush(RingCounters counters, ref Errno result)
    {
        Errno sent = _batch.Flush(queue, counters);
        result = result == Errno.Success ? sent : result;
    }
}
