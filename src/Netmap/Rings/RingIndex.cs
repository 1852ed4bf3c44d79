using System.Runtime.CompilerServices;

namespace Netmap.Rings;

/// <summary>Index arithmetic on a ring of any size of at least 2. Everything here takes indices already below the size.</summary>
internal static class RingIndex
{
    /// <summary>The slot after <paramref name="i"/>; <paramref name="lim"/> is the size minus 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Next(uint i, uint lim) => i == lim ? 0 : i + 1;

    /// <summary>The slot before <paramref name="i"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Previous(uint i, uint lim) => i == 0 ? lim : i - 1;

    /// <summary>Slots in [from, to), 0..lim.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Distance(uint from, uint to, uint lim) => to >= from ? to - from : to + lim + 1 - from;

    /// <summary>The slot <paramref name="count"/> (0..lim+1) after <paramref name="i"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Advance(uint i, uint count, uint lim)
    {
        uint left = lim + 1 - i;
        return count >= left ? count - left : i + count;
    }
}
