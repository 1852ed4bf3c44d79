using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Monitor;

/// <summary>Copies packets to a monitor's ring: sent ones before they leave, received ones when they arrive (spec 9).</summary>
internal sealed unsafe class CopyTap(InboundRing inbound) : IRingTap
{
    private uint _tail;

    public void Before(KRing ring)
    {
        _tail = ring.HwTail;
        if (ring.Direction == RingDirection.Tx)
            Copy(ring, ring.HwCur, ring.RHead, NetmapH.NS_TXMON);
    }

    public void After(KRing ring)
    {
        if (ring.Direction == RingDirection.Rx)
            Copy(ring, _tail, ring.HwTail, 0);
    }

    private void Copy(KRing ring, uint first, uint end, ushort mark)
    {
        long ticket = MonitorLease.Take(inbound, ring, ref first, end, out int count);
        if (count == 0)
            return;
        uint at = (uint)ticket;
        long bytes = 0;
        int packets = 0;
        for (uint i = first; i != end; i = ring.Next(i), at = inbound.Ring.Next(at))
        {
            SlotView from = ring.Slot(i);
            SlotView to = inbound.Ring.Slot(at);
            int length = to.IsUnusable ? Unusable() : Math.Min(from.Length, to.Room);
            FrameCopy.Copy(to.Data, from.Data, length);
            inbound.Ring.Fill(at, length, (ushort)((from.Flags & ~NetmapH.NS_TXMON) | mark));
            bytes += length;
            packets += (from.Flags & NetmapH.NS_MOREFRAG) == 0 ? 1 : 0;
        }
        inbound.Complete(ticket, count, packets, bytes);
        inbound.Ring.Waiters.Wake();
    }

    private int Unusable()
    {
        inbound.Ring.Counters.Drop(DropReason.BadSlot);
        return 0;
    }
}
