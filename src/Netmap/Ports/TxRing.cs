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
        Span<byte> room = Data(head);
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
}
