using System.Runtime.Intrinsics;
using Netmap.Interop;

namespace Netmap.Rings;

/// <summary>What a run of slots holds, gathered while it is copied: bytes and all flags seen.</summary>
internal readonly unsafe struct SlotSum(long bytes, ushort flags)
{
    /// <summary>Place of <c>len</c> in the first half of a slot, as a 64-bit number.</summary>
    public const int LengthShift = 32;

    /// <summary>Place of <c>flags</c>.</summary>
    public const int FlagsShift = 48;

    public readonly long Bytes = bytes;
    public readonly ushort Flags = flags;

    public static SlotSum operator +(SlotSum a, SlotSum b) => new(a.Bytes + b.Bytes, (ushort)(a.Flags | b.Flags));

    /// <summary>Copies <paramref name="count"/> slots, two at a time.</summary>
    public static SlotSum Copy(netmap_slot* from, netmap_slot* to, uint count)
    {
        Vector256<ulong> lengths = Vector256.Create(0xfffful, 0, 0xfffful, 0);
        Vector256<ulong> bytes = default;
        Vector256<ulong> flags = default;
        uint i = 0;
        for (; i + 2 <= count; i += 2)
        {
            // One load a pair: what is judged is what is stored, whatever the program writes meanwhile.
            Vector256<ulong> pair = Vector256.Load((ulong*)(from + i));
            pair.Store((ulong*)(to + i));
            bytes += Vector256.ShiftRightLogical(pair, LengthShift) & lengths;
            flags |= pair;
        }
        ulong sum = bytes[0] + bytes[2];
        ulong seen = flags[0] | flags[2];
        if (i < count)
        {
            Vector128<ulong> last = Vector128.Load((ulong*)(from + i));
            last.Store((ulong*)(to + i));
            sum += (last[0] >> LengthShift) & 0xffff;
            seen |= last[0];
        }
        return new((long)sum, (ushort)(seen >> FlagsShift));
    }
}
