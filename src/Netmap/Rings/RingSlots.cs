using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Rings;

/// <summary>The slots of a ring, for a loop over many of them: what each needs is taken out of the ring once.</summary>
internal readonly unsafe ref struct RingSlots
{
    private readonly netmap_slot* _slots;
    private readonly byte* _buffers;
    private readonly uint _bufferCount;
    private readonly int _bufferSize;
    private readonly SlotOffsets _offsets;
    private readonly uint _lim;

    public RingSlots(netmap_slot* slots, byte* buffers, uint bufferCount, int bufferSize, scoped in SlotOffsets offsets, uint lim)
    {
        _slots = slots;
        _buffers = buffers;
        (_bufferCount, _bufferSize, _offsets, _lim) = (bufferCount, bufferSize, offsets, lim);
    }

    /// <summary>The slot <paramref name="i"/> (below the size), read once and bounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SlotView Read(uint i) => new(_slots + i, _buffers, _bufferCount, _bufferSize, _offsets);

    /// <summary>Says what a slot now holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(uint i, int length, ushort flags)
    {
        // One store for the two.
        Unsafe.WriteUnaligned(&_slots[i].len, (ushort)length | ((uint)flags << 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Next(uint i) => RingIndex.Next(i, _lim);
}
