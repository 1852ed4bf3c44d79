using System.Runtime.CompilerServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>Copies packets of a batch into slots that were leased for them.</summary>
internal sealed unsafe class PacketCopier(PacketBatch batch)
{
    /// <summary>Packets that are neighbours in the batch, into slots from <paramref name="at"/> on.</summary>
    /// <returns>Their bytes.</returns>
    public long CopyRun(KRing ring, int first, int count, uint at)
    {
        RingSlots slots = ring.Slots;
        long bytes = 0;
        for (int i = first; i < first + count; i++)
            bytes += Copy(ring, slots, ref batch.PacketAt(i), ref at);
        return bytes;
    }

    /// <summary>The next packets of two lists, in order.</summary>
    /// <returns>Their bytes.</returns>
    public long CopyMerged(KRing ring, ref Merge packets, int count, uint at)
    {
        RingSlots slots = ring.Slots;
        Merge merge = packets;
        long bytes = 0;
        for (int k = 0; k < count; k++)
            bytes += Copy(ring, slots, ref batch.PacketAt(merge.Take()), ref at);
        packets = merge;
        return bytes;
    }

    /// <summary>One packet into slots from <paramref name="at"/> on.</summary>
    /// <returns>Its bytes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Copy(KRing ring, scoped in RingSlots slots, ref Packet packet, ref uint at)
    {
        ref Fragment fragment = ref batch.FragmentAt(packet.First);
        if (packet.Fragments != 1)
            return CopyChain(ring, ref fragment, packet.Fragments, ref at);
        int length = CopyFragment(ring, slots, ref fragment, at);
        slots.Fill(at, length, 1 << NetmapH.NS_PORT_SHIFT);
        at = slots.Next(at);
        return length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long CopyChain(KRing ring, ref Fragment fragment, int count, ref uint at)
    {
        RingSlots slots = ring.Slots;
        long bytes = 0;
        for (int k = 0; k < count; k++)
        {
            int length = CopyFragment(ring, slots, ref Unsafe.Add(ref fragment, k), at);
            slots.Fill(at, length, (ushort)((count << NetmapH.NS_PORT_SHIFT) | (k + 1 < count ? NetmapH.NS_MOREFRAG : 0)));
            at = slots.Next(at);
            bytes += length;
        }
        return bytes;
    }

    /// <summary>A fragment that its slot cannot hold arrives with length 0 (spec 7.4), and is counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyFragment(KRing ring, scoped in RingSlots slots, ref Fragment fragment, uint at)
    {
        SlotView slot = slots.Read(at);
        int length = fragment.Length;
        if (slot.IsUnusable || length > slot.Room)
            return Unfit(ring, slot.IsUnusable);
        FrameCopy.Copy(slot.Data, fragment.Data, length);
        return length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Unfit(KRing ring, bool unusable)
    {
        ring.Counters.Drop(unusable ? DropReason.BadSlot : DropReason.FrameTooLong);
        return 0;
    }
}
