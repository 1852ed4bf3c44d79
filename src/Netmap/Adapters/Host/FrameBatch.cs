using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Host;

/// <summary>Frames on their way to the host, still in their slots: one call takes them all.</summary>
internal sealed unsafe class FrameBatch
{
    /// <summary>Parts a call: about as many frames as their copies, in the kernel, stay in the cache.</summary>
    private const int Most = 256;

    private readonly FramePart[] _parts = new FramePart[Most + NetmapH.NETMAP_MAX_FRAGS];
    private int _count;

    public bool IsFull => _count >= Most;

    /// <summary>Adds the frame that begins at a slot, or drops and counts it when it can be none (spec 6).</summary>
    /// <param name="ring">Its ring.</param>
    /// <param name="first">First slot.</param>
    /// <param name="end">First slot that is not the engine's.</param>
    /// <returns>Slots it takes; 0 when its last slot has not come yet.</returns>
    public int Add(KRing ring, uint first, uint end)
    {
        int most = (int)Math.Min(NetmapH.NETMAP_MAX_FRAGS, ring.SlotCount - 1);
        int start = _count;
        int length = 0;
        bool usable = true;
        int slots = 0;
        bool more = true;
        for (uint i = first; more && i != end && slots < most; i = ring.Next(i), slots++)
        {
            SlotView slot = ring.Slot(i);
            more = (slot.Flags & NetmapH.NS_MOREFRAG) != 0;
            usable &= slot.Claimed <= slot.Room && !slot.IsUnusable;
            length += slot.Length;
            _parts[_count++] = new(slot.Data, slot.Length, more);
        }
        if (more && slots < most)
        {
            _count = start;
            return 0;
        }
        if (!more && usable && length >= LinuxIfEther.ETH_HLEN)
            return slots;
        _count = start;
        ring.Counters.Drop(more ? DropReason.TooManyFragments : !usable ? DropReason.BadSlot : DropReason.TooShort);
        return slots;
    }

    public Errno Flush(IHostTxQueue queue, RingCounters counters)
    {
        if (_count == 0)
            return Errno.Success;
        Errno result = queue.Inject(_parts.AsSpan(0, _count), counters);
        _count = 0;
        return result;
    }
}
