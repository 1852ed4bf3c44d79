using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Rings;

/// <summary>A slot read once: the copy an adapter works on, whatever the program writes meanwhile.</summary>
internal readonly unsafe ref struct SlotView
{
    public readonly byte* Data;
    public readonly ushort Flags;

    /// <summary>The length as the program wrote it.</summary>
    public readonly int Claimed;

    /// <summary>Bytes from <see cref="Data"/> to the end of the buffer.</summary>
    public readonly int Room;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SlotView(netmap_slot* slot, byte* buffers, uint bufferCount, int bufferSize, scoped in SlotOffsets offsets)
    {
        // One load for index, length and flags: what is checked is what is used, whatever the program writes meanwhile.
        ulong half = Volatile.Read(ref *(ulong*)slot);
        uint index = (uint)half;
        int length = (ushort)(half >> SlotSum.LengthShift);
        Flags = (ushort)(half >> SlotSum.FlagsShift);
        Data = buffers + (index < bufferCount ? (long)index * bufferSize : 0);
        Room = bufferSize;
        if (offsets.Mask != 0)
        {
            int offset = offsets.Of(slot);
            Data += offset;
            Room -= offset;
        }
        Claimed = length;
        IsUnusable = index - 1 >= bufferCount - 1;
    }

    /// <summary>The length, as far as the buffer goes.</summary>
    public int Length
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Math.Min(Claimed, Room);
    }

    /// <summary>The slot names no buffer of its own to write into.</summary>
    public readonly bool IsUnusable;
}

/// <summary>How a ring's slots say where in its buffer a frame begins (spec 10, OFFSETS); all zero when it always begins at 0.</summary>
/// <param name="Mask">Bits of <c>ptr</c>; becomes <c>offset_mask</c>.</param>
/// <param name="Max">Largest offset; beyond it a slot's offset is capped.</param>
internal readonly unsafe record struct SlotOffsets(ulong Mask, ulong Max)
{
    public int Of(netmap_slot* slot) => (int)Math.Min(Volatile.Read(ref slot->ptr) & Mask, Max);
}
