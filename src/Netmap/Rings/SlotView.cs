using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Rings;

/// <summary>A slot read once: the copy an adapter works on, whatever the program writes meanwhile.</summary>
internal readonly unsafe ref struct SlotView
{
    public readonly byte* Data;
    public readonly int Length;
    public readonly ushort Flags;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SlotView(netmap_slot* slot, byte* buffers, uint bufferCount, int bufferSize)
    {
        // Volatile: each field is read exactly once; the bounds below hold for the very values that are used.
        uint index = Volatile.Read(ref slot->buf_idx);
        int length = Volatile.Read(ref slot->len);
        Flags = Volatile.Read(ref slot->flags);
        Data = buffers + (index < bufferCount ? (long)index * bufferSize : 0);
        Length = Math.Min(length, bufferSize);
    }
}
