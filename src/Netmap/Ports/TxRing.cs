using Netmap.Interop;

namespace Netmap;

/// <summary>A transmit ring: fill slots from <see cref="NetmapRing.Head"/>, advance, then <see cref="NetmapPort.TxSync"/>.</summary>
public sealed unsafe class TxRing : NetmapRing
{
    internal TxRing(netmap_ring* ring, byte* buffers, uint bufferCount, int bufferSize, int slots, int index)
        : base(ring, buffers, bufferCount, bufferSize, slots, index)
    {
    }

    /// <summary>Free slots, 0..SlotCount-1.</summary>
    public int Space => Owned;

    /// <summary>True while frames handed over wait for their transmission: netmap's <c>nm_tx_pending</c>.</summary>
    public bool IsPending => Next(Tail) != Head;

    /// <summary>
    /// Copies one frame into the next free slot, at the slot's offset, and advances over it. The frame leaves with the next
    /// sync.
    /// </summary>
    /// <param name="frame">
    /// The frame from its destination address on, without FCS; at most <see cref="NetmapRing.BufferSize"/> bytes less the
    /// slot's offset.
    /// </param>
    /// <returns>False when the ring has no free slot.</returns>
    /// <exception cref="ArgumentException">The frame is longer than the slot's buffer has room.</exception>
    public bool TrySend(ReadOnlySpan<byte> frame)
    {
        if (Owned == 0)
            return false;
        int head = Head;
        Span<byte> room = Room(head);
        if (frame.Length > room.Length)
            throw new ArgumentException($"frame of {frame.Length} bytes, but the buffer has room for {room.Length}", nameof(frame));
        frame.CopyTo(room);
        ref NetmapSlot slot = ref this[head];
        slot.Length = (ushort)frame.Length;
        slot.Flags = SlotFlags.None;
        Release(1);
        return true;
    }

    /// <summary>Gives the next <paramref name="slots"/> filled slots to the port: moves head and cur.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="Space"/>.</exception>
    public void Advance(int slots) => Release(slots);

    /// <summary>
    /// Sends a received frame on, all its slots, and advances over them. Where both rings share memory the slots exchange
    /// their buffers and no byte is copied: the frame must not be read any more, and its slots go back to their port as
    /// usual. The frame leaves with the next sync.
    /// </summary>
    /// <param name="frame">The frame.</param>
    /// <param name="copy">Copies in any case: the frame stays as it is.</param>
    /// <returns>False when the ring has no room for it.</returns>
    public bool TryForward(RxFrame frame, bool copy = false)
    {
        bool exchange = !copy && SharesMemoryWith(frame.Ring) && HasOffsets == frame.Ring.HasOffsets;
        int slots = exchange ? Exchange(frame) : Copy(frame);
        if (slots > 0)
            Release(slots);
        return slots > 0;
    }

    /// <summary>What a frame may fill of a slot's buffer: a slot's length has 16 bits.</summary>
    private Span<byte> Room(int index)
    {
        Span<byte> data = Data(index);
        return data.Length > ushort.MaxValue ? data[..ushort.MaxValue] : data;
    }

    private int Exchange(RxFrame frame)
    {
        if (frame.SlotCount > Owned)
            return 0;
        int to = Head;
        int from = frame.FirstSlot;
        for (int i = 0; i < frame.SlotCount; i++, to = Next(to), from = frame.Ring.Next(from))
        {
            ref NetmapSlot mine = ref this[to];
            ref NetmapSlot theirs = ref frame.Ring[from];
            (mine.BufferIndex, theirs.BufferIndex) = (theirs.BufferIndex, mine.BufferIndex);
            mine.Length = theirs.Length;
            mine.Flags = SlotFlags.BufferChanged | (theirs.Flags & SlotFlags.MoreFragments);
            theirs.Flags |= SlotFlags.BufferChanged;
            if (HasOffsets)
                (mine.Pointer, theirs.Pointer) = (theirs.Pointer, mine.Pointer);
        }
        return frame.SlotCount;
    }

    /// <summary>Over as many slots as it takes here; buffers may have another size.</summary>
    private int Copy(RxFrame frame)
    {
        int owned = Owned;
        int slots = 0;
        int next = 0;
        Span<byte> part = default;
        bool more = true;
        for (int to = Head; more; to = Next(to), slots++)
        {
            if (slots == owned)
                return 0;
            Span<byte> room = Room(to);
            int filled = 0;
            while ((part.Length > 0 || next < frame.SlotCount) && filled < room.Length)
            {
                if (part.Length == 0)
                    part = frame.Fragment(next++);
                int piece = Math.Min(part.Length, room.Length - filled);
                part[..piece].CopyTo(room[filled..]);
                part = part[piece..];
                filled += piece;
            }
            more = part.Length > 0 || next < frame.SlotCount;
            ref NetmapSlot slot = ref this[to];
            slot.Length = (ushort)filled;
            slot.Flags = more ? SlotFlags.MoreFragments : SlotFlags.None;
        }
        return slots;
    }
}
