using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Netmap.Rings;

/// <summary>Copies frames. Most are short, and a call costs more than the copy.</summary>
internal static unsafe class FrameCopy
{
    /// <summary>Copies <paramref name="length"/> bytes between buffers that do not overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* to, byte* from, int length)
    {
        // The two halves overlap in the middle; nothing beyond the frame is read or written.
        if ((uint)(length - 32) <= 32)
        {
            Vector256<byte> head = Vector256.Load(from);
            Vector256<byte> tail = Vector256.Load(from + length - 32);
            head.Store(to);
            tail.Store(to + length - 32);
            return;
        }
        Unsafe.CopyBlockUnaligned(to, from, (uint)length);
    }
}
