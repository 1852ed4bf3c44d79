using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>One slot's worth of a packet, read once from shared memory.</summary>
internal unsafe struct Fragment
{
    public byte* Data;
    public int Length;
}

/// <summary>A packet of a batch.</summary>
internal struct Packet
{
    /// <summary>Its first fragment in the batch.</summary>
    public int First;

    /// <summary>Its slots, 1..64; 0 for one that is to be dropped.</summary>
    public int Fragments;

    /// <summary>Flags of its first slot.</summary>
    public ushort Flags;

    /// <summary>Next packet for the same destination, as index + 1; 0 ends the list.</summary>
    public int Next;

    /// <summary>Its first slot in the source ring.</summary>
    public uint Start;

    /// <summary>A port's number, or what <see cref="Destinations"/> has for the rest.</summary>
    public int Destination;
}

/// <summary>
/// Slots of a source ring taken apart into packets (spec 7.4). All that shared memory says is read here, once; forwarding
/// works on the copies.
/// </summary>
internal sealed unsafe class PacketBatch
{
    private readonly Fragment[] _fragments;
    private readonly Packet[] _packets;
    private readonly int _size;
    private readonly IndirectData _indirect;

    /// <param name="slots">Slots a batch has before it ends at the next packet's end.</param>
    public PacketBatch(int slots)
    {
        _size = slots;
        _fragments = new Fragment[slots + NetmapH.NETMAP_MAX_FRAGS];
        _packets = new Packet[slots];
        _indirect = new IndirectData(_fragments.Length);
    }

    /// <summary>Packets in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Their slots.</summary>
    public int Slots { get; private set; }

    /// <summary>Bytes of all of them.</summary>
    public long Bytes { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Packet PacketAt(int i) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_packets), i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Fragment FragmentAt(int i) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_fragments), i);

    /// <summary>Takes slots from <paramref name="from"/> on; a packet cut off by <paramref name="to"/> is taken as it is.</summary>
    /// <returns>The slot after the last one taken; bad packets are counted as drops and left out.</returns>
    public uint Fill(KRing source, uint from, uint to)
    {
        RingSlots slots = source.Slots;
        int count = 0;
        int used = 0;
        long bytes = 0;
        while (from != to && used < _size)
        {
            SlotView slot = slots.Read(from);
            ref Packet packet = ref PacketAt(count);
            packet.Start = from;
            from = slots.Next(from);
            packet.First = used;
            packet.Fragments = 1;
            packet.Flags = slot.Flags;
            packet.Next = 0;
            const int Special = NetmapH.NS_MOREFRAG | NetmapH.NS_INDIRECT | NetmapH.NS_BUF_CHANGED;
            if ((slot.Flags & Special) == 0 && slot.Claimed <= slot.Room && !slot.IsUnusable)
            {
                FragmentAt(used++) = new() { Data = slot.Data, Length = slot.Claimed };
                bytes += slot.Claimed;
            }
            else
            {
                // Copies: a local whose address is taken would live in memory all along.
                (uint next, int place) = (from, used);
                bool good = TakeUnusual(source, slot, ref next, to, ref place, ref packet);
                from = next;
                if (!good)
                    continue;
                used = place;
                bytes += BytesOf(count, 1);
            }
            count++;
        }
        (Count, Slots, Bytes) = (count, used, bytes);
        return from;
    }

    /// <summary>Bytes of some neighbouring packets.</summary>
    public long BytesOf(int first, int count)
    {
        long bytes = 0;
        for (int i = first; i < first + count; i++)
        {
            ref Packet packet = ref PacketAt(i);
            for (int k = 0; k < packet.Fragments; k++)
                bytes += FragmentAt(packet.First + k).Length;
        }
        return bytes;
    }

    /// <summary>Packets of several slots, indirect ones, other buffers, and slots that make no sense. False for a packet to drop.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeUnusual(KRing source, SlotView slot, ref uint from, uint to, ref int used, ref Packet packet)
    {
        int count = 0;
        DropReason? drop = null;
        while (true)
        {
            uint index = source.Previous(from);
            bool good = Read(source, slot, index, used, out Fragment fragment);
            source.ClearFlags(index, NetmapH.NS_BUF_CHANGED);
            if (count == 0 && !good)
                drop = DropReason.BadSlot;
            if (count < NetmapH.NETMAP_MAX_FRAGS)
                FragmentAt(used++) = fragment;
            count++;
            if ((slot.Flags & NetmapH.NS_MOREFRAG) == 0 || from == to)
                break;
            slot = source.Slot(from);
            from = source.Next(from);
        }
        // The reference does not check this, and writes past its table [Q].
        if (count > NetmapH.NETMAP_MAX_FRAGS)
            drop = DropReason.TooManyFragments;
        if (drop is { } reason)
            source.Counters.Drop(reason);
        packet.Fragments = count;
        return drop is null;
    }

    /// <summary>A slot whose length cannot be, or whose buffer is none, counts as empty; as a first one it spoils its packet.</summary>
    private bool Read(KRing source, in SlotView slot, uint index, int place, out Fragment fragment)
    {
        fragment = new() { Data = slot.Data };
        bool good = slot.Claimed <= slot.Room;
        if (good && (slot.Flags & NetmapH.NS_INDIRECT) != 0)
            good = _indirect.TryRead(source, index, slot.Claimed, place, out fragment);
        else if (good && !slot.IsUnusable)
            fragment.Length = slot.Length;
        else
            good = false;
        return good;
    }
}
