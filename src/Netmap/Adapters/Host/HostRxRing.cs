using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Host;

/// <summary>
/// From the host (spec 6): what its stack sends through an interface in netmap mode. Slots are released before new frames
/// are taken, as on a NIC's ring, so that a full ring needs no extra sync; the reference does it the other way round here.
/// </summary>
internal sealed unsafe class HostRxRing(KRing ring, IHostRxQueue queue)
{
    public bool PrepareWait(out DeviceWait wait)
    {
        bool asleep = queue.PrepareWait();
        wait = queue.Wait;
        return asleep;
    }

    public Errno Sync()
    {
        RingCounters counters = ring.Counters;
        counters.Syncs++;
        ring.HwCur = ring.RHead;
        uint i = ring.HwTail;
        uint last = ring.Previous(ring.HwCur);
        while (i != last)
        {
            SlotView slot = ring.Slot(i);
            if (slot.IsUnusable)
                return BadSlot(i);
            if (!queue.TryTake(slot.Data, slot.Room, out int length))
                break;
            ring.Fill(i, length, 0);
            counters.Packets++;
            counters.Bytes += length;
            i = ring.Next(i);
        }
        ring.HwTail = i;
        return queue.Link;
    }

    /// <summary>A slot to be filled names no buffer: it is the program's loss; what waits stays in the queue.</summary>
    private Errno BadSlot(uint i)
    {
        ring.HwTail = i;
        ring.Counters.Drop(DropReason.BadSlot);
        ring.Reinit();
        return Errno.EINVAL;
    }
}
