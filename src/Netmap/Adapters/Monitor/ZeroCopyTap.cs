using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Monitor;

/// <summary>
/// Exchanges buffers with a monitor's ring: of sent packets when their slots are reclaimed, of received ones when their
/// reader gives them back (spec 9). The port goes on with the monitor's old buffers.
/// </summary>
internal sealed class ZeroCopyTap(InboundRing inbound, bool isFirst) : IRingTap
{
    private uint _tail;

    public void Before(KRing ring)
    {
        _tail = ring.HwTail;
        if (ring.Direction == RingDirection.Rx)
            Exchange(ring, ring.HwCur, ring.RHead);
    }

    public void After(KRing ring)
    {
        if (ring.Direction == RingDirection.Tx)
            Exchange(ring, ring.Next(_tail), ring.Next(ring.HwTail));
    }

    private void Exchange(KRing ring, uint first, uint end)
    {
        long ticket = MonitorLease.Take(inbound, ring, ref first, end, out int count);
        if (count == 0)
            return;
        uint at = (uint)ticket;
        long bytes = 0;
        int packets = 0;
        for (uint i = first; i != end; i = ring.Next(i), at = inbound.Ring.Next(at))
        {
            int length = ring.ExchangeBuffer(i, inbound.Ring, at, Mark(ring));
            if (length < 0)
                inbound.Ring.Counters.Drop(DropReason.BadSlot);
            bytes += Math.Max(length, 0);
            packets += (inbound.Ring.FlagsOf(at) & NetmapH.NS_MOREFRAG) == 0 ? 1 : 0;
        }
        inbound.Complete(ticket, count, packets, bytes);
        inbound.Ring.Waiters.Wake();
    }

    /// <summary>Flags to clear and to set: a further monitor of a chain leaves the mark of sent packets as it is.</summary>
    private (ushort Clear, ushort Set) Mark(KRing ring) =>
        !isFirst ? default : (NetmapH.NS_TXMON, ring.Direction == RingDirection.Tx ? NetmapH.NS_TXMON : (ushort)0);
}

/// <summary>Room for new packets on a monitor's ring.</summary>
internal static class MonitorLease
{
    /// <summary>
    /// Leases a slot for each of [first, end). Where the ring has less room the oldest packets are skipped, whole ones, and
    /// counted: <paramref name="first"/> moves (spec 9).
    /// </summary>
    public static long Take(InboundRing inbound, KRing ring, ref uint first, uint end, out int count)
    {
        uint oldest = first;
        int wanted = (int)ring.Distance(first, end);
        long ticket = 0;
        count = wanted;
        if (wanted == 0)
            return ticket;
        int packets;
        do
        {
            (first, packets) = (oldest, 0);
            int free = inbound.Free(out ticket);
            if (free < wanted)
                first = Skip(ring, oldest, end, wanted - free, out packets);
            count = (int)ring.Distance(first, end);
        }
        while (count > 0 && !inbound.TryLease(ticket, count));
        if (packets > 0)
            inbound.Ring.Counters.Drop(DropReason.DestinationFull, packets);
        return ticket;
    }

    /// <summary>The first packet that begins <paramref name="slots"/> slots after <paramref name="first"/>, or later.</summary>
    private static uint Skip(KRing ring, uint first, uint end, int slots, out int packets)
    {
        packets = 0;
        bool more = false;
        for (; first != end && (slots > 0 || more); slots--, first = ring.Next(first))
        {
            more = (ring.FlagsOf(first) & NetmapH.NS_MOREFRAG) != 0;
            packets += more ? 0 : 1;
        }
        packets = Math.Max(packets, 1);
        return first;
    }
}
