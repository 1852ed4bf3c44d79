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
    private const int PlaceSize = 1 << 16;

    private readonly Fragment[] _fragments;
    private readonly Packet[] _packets;
    private readonly int _size;
    private byte* _places;

    /// <param name="slots">Slots a batch has before it ends at the next packet's end.</param>
    public PacketBatch(int slots)
    {
        _size = slots;
        _fragments = new Fragment[slots + NetmapH.NETMAP_MAX_FRAGS];
        _packets = new Packet[slots];
    }

    ~PacketBatch() => NativeMemory.Free(_places);

    /// <summary>Packets in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Their slots.</summary>
    public int Slots { get; private set; }

    /// <summary>Bytes of all of them.</summary>
    public long Bytes { get; private set; }

    /// <summary>The last <see cref="Fill"/> ended before a packet whose data has to be fetched first.</summary>
    public bool IsCut { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Packet PacketAt(int i) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_packets), i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Fragment FragmentAt(int i) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_fragments), i);

    /// <summary>Takes slots from <paramref name="from"/> on; a packet cut off by <paramref name="to"/> is taken as it is.</summary>
    /// <param name="source">The ring.</param>
    /// <param name="from">First slot.</param>
    /// <param name="to">Slot after the last one.</param>
    /// <param name="indirect">Where slots with NS_INDIRECT find their data; null where none may have any.</param>
    /// <returns>The slot after the last one taken; bad packets are counted as drops and left out.</returns>
    public uint Fill(KRing source, uint from, uint to, IndirectData? indirect)
    {
        IsCut = false;
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
                bool good = TakeUnusual(source, slot, ref next, to, ref place, ref packet, indirect);
                if (IsCut)
                {
                    from = packet.Start;
                    break;
                }
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
    private bool TakeUnusual(KRing source, SlotView slot, ref uint from, uint to, ref int used, ref Packet packet, IndirectData? indirect)
    {
        int count = 0;
        DropReason? drop = null;
        while (true)
        {
            uint index = source.Previous(from);
            bool good = true;
            Fragment fragment = default;
            // A packet of more slots is dropped, whatever they hold.
            if (count < NetmapH.NETMAP_MAX_FRAGS)
                good = Read(source, slot, index, used, indirect, out fragment);
            if (IsCut)
                return false;
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
    private bool Read(KRing source, in SlotView slot, uint index, int place, IndirectData? indirect, out Fragment fragment)
    {
        fragment = new() { Data = slot.Data };
        bool good = slot.Claimed <= slot.Room;
        if (good && (slot.Flags & NetmapH.NS_INDIRECT) != 0)
            good = ReadIndirect(source, new(index, slot.Claimed, source.PointerOf(index)), place, indirect, ref fragment);
        else if (good && !slot.IsUnusable)
            fragment.Length = slot.Length;
        else
            good = false;
        return good;
    }

    private bool ReadIndirect(KRing source, in IndirectSlot slot, int place, IndirectData? indirect, ref Fragment fragment)
    {
        if (indirect is null || slot.Address == 0)
            return false;
        // On first use: most senders never do this. The system commits pages as they are touched.
        if (_places == null)
            _places = (byte*)NativeMemory.Alloc((nuint)_fragments.Length * PlaceSize);
        IndirectRead read = indirect.Read(source, slot, _places + ((nint)place * PlaceSize), out byte* data);
        IsCut = read == IndirectRead.NotYet;
        if (read != IndirectRead.Done)
            return false;
        fragment = new() { Data = data, Length = slot.Length };
        return true;
    }
}
