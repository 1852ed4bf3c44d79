using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Rings;

/// <content>Slots: each field is read once, and what is written is the engine's own.</content>
internal sealed unsafe partial class KRing
{
    /// <summary>The slot <paramref name="i"/> (below the size), read once and bounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SlotView Slot(uint i) => new(_slots + i, _buffers, _bufferCount, BufferSize, Offsets);

    /// <summary>The same for a loop over many.</summary>
    public RingSlots Slots => new(_slots, _buffers, _bufferCount, BufferSize, Offsets, _lim);

    /// <summary>Clears flag bits of a slot the engine is done with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ClearFlags(uint i, ushort flags)
    {
        ushort old = Volatile.Read(ref _slots[i].flags);
        if ((old & flags) != 0)
            _slots[i].flags = (ushort)(old & ~flags);
    }

    /// <summary>
    /// Copies whole slots to the same places of a ring of equal size: data stays where it is (spec 8). Each slot is read
    /// once.
    /// </summary>
    /// <param name="other">The other ring of a pipe.</param>
    /// <param name="first">First slot.</param>
    /// <param name="count">Slots, at most the ring's size.</param>
    /// <returns>What was copied.</returns>
    public SlotSum CopySlots(KRing other, uint first, uint count)
    {
        uint run = Math.Min(count, SlotCount - first);
        SlotSum sum = SlotSum.Copy(_slots + first, other._slots + first, run);
        return run == count ? sum : sum + SlotSum.Copy(_slots, other._slots, count - run);
    }

    /// <summary>As <see cref="CopySlots"/>; where the other ring's slot has the larger offset, it stays (spec 8).</summary>
    public SlotSum CopySlotsKeepingOffsets(KRing other, uint first, uint count)
    {
        SlotSum sum = default;
        for (uint i = first; count > 0; count--, i = Next(i))
        {
            ulong pointer = Volatile.Read(ref other._slots[i].ptr);
            int offset = other.Offsets.Of(other._slots + i);
            sum += SlotSum.Copy(_slots + i, other._slots + i, 1);
            if (other.Offsets.Of(other._slots + i) < offset)
                other._slots[i].ptr = pointer;
        }
        return sum;
    }

    /// <summary>
    /// Exchanges buffer and length of a slot with one of another ring in the same memory. Ours gets NS_BUF_CHANGED; the
    /// other one gets our flags. Where either names no buffer that may be handed out, each keeps what it has, and the other
    /// slot is empty.
    /// </summary>
    /// <returns>The length handed over, or -1 when nothing was exchanged.</returns>
    public int ExchangeBuffer(uint i, KRing other, uint j, (ushort Clear, ushort Set) mark)
    {
        netmap_slot* mine = _slots + i;
        netmap_slot* theirs = other._slots + j;
        uint buffer = Volatile.Read(ref mine->buf_idx);
        ushort length = Volatile.Read(ref mine->len);
        ushort flags = Volatile.Read(ref mine->flags);
        uint offered = Volatile.Read(ref theirs->buf_idx);
        if (!Memory.MayHandOut(buffer) || !Memory.MayHandOut(offered))
        {
            other.Fill(j, 0, 0);
            return -1;
        }
        (mine->buf_idx, mine->len, mine->flags) = (offered, theirs->len, (ushort)(flags | NetmapH.NS_BUF_CHANGED));
        (theirs->buf_idx, theirs->len, theirs->flags) = (buffer, length, (ushort)((flags & ~mark.Clear) | mark.Set));
        return length;
    }

    /// <summary>
    /// TX: takes over the frame of a slot of another ring in the same memory, as if the program had put it here: the two
    /// slots exchange buffers, and head and cur move (spec 6). After a prologue that passed.
    /// </summary>
    /// <returns>The frame's length, or -1 when there is no free slot.</returns>
    public int TakeOver(KRing from, uint i)
    {
        if (RHead == _rtail)
            return -1;
        int length = from.ExchangeBuffer(i, this, RHead, (ushort.MaxValue, NetmapH.NS_BUF_CHANGED));
        from.ClearFlags(i, unchecked((ushort)~NetmapH.NS_BUF_CHANGED));
        RHead = RCur = Next(RHead);
        Volatile.Write(ref _ring->head, RHead);
        Volatile.Write(ref _ring->cur, RHead);
        return length;
    }

    /// <summary>
    /// TX, inside the ring: slots not sent yet that point to memory of the program's (NS_INDIRECT), from the first one on. What they say is
    /// read once; the slot is asked again when it is sent.
    /// </summary>
    /// <returns>How many.</returns>
    public int FindIndirect(Span<IndirectSlot> found)
    {
        int count = 0;
        for (uint i = HwCur; i != RHead && count < found.Length; i = Next(i))
        {
            SlotView slot = Slot(i);
            if ((slot.Flags & NetmapH.NS_INDIRECT) != 0 && slot.Claimed <= slot.Room)
                found[count++] = new(i, slot.Claimed, PointerOf(i));
        }
        return count;
    }

    /// <summary>The <c>ptr</c> of a slot as it is now.</summary>
    public ulong PointerOf(uint i) => Volatile.Read(ref _slots[i].ptr);

    /// <summary>The flags of a slot as they are now.</summary>
    public ushort FlagsOf(uint i) => Volatile.Read(ref _slots[i].flags);

    /// <summary>RX: says what an empty slot now holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(uint i, int length, ushort flags)
    {
        _slots[i].len = (ushort)length;
        _slots[i].flags = flags;
    }

    /// <summary>The buffer a slot names now, or 0 for none that could be its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint BufferOf(uint i)
    {
        uint index = Volatile.Read(ref _slots[i].buf_idx);
        return index - 2 < Memory.BufferCount - 2 ? index : 0;
    }

    /// <summary>Gives a slot of the engine's another buffer.</summary>
    public void SetBuffer(uint i, uint buffer) => Volatile.Write(ref _slots[i].buf_idx, buffer);

    /// <summary>RX: says which buffer an empty slot has now, and what it holds; one store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Place(uint i, uint buffer, int length, ushort flags) =>
        *(ulong*)(_slots + i) = buffer | ((ulong)(ushort)length << 32) | ((ulong)flags << 48);
}
