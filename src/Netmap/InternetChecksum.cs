using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Netmap;

/// <summary>The Internet checksum (RFC 1071), and checksums that a sender left to the hardware.</summary>
internal static class InternetChecksum
{
    private const int SctpChecksum = 8;

    /// <summary>
    /// Sum of big-endian 16-bit words, folded to 16 bits; sums of parts may be added, if all but the last have an even
    /// length.
    /// </summary>
    public static uint Sum(ReadOnlySpan<byte> bytes)
    {
        // In the machine's order, which only swaps the bytes of the result (RFC 1071, 2B).
        ulong sum = 0;
        int i = 0;
        if (bytes.Length >= 64)
        {
            ref byte start = ref MemoryMarshal.GetReference(bytes);
            Vector256<ulong> low = Vector256.Create((ulong)uint.MaxValue);
            Vector256<ulong> sums = default;
            for (; i + 32 <= bytes.Length; i += 32)
            {
                Vector256<ulong> words = Vector256.LoadUnsafe(ref start, (nuint)i).AsUInt64();
                sums += (words & low) + Vector256.ShiftRightLogical(words, 32);
            }
            sum = Vector256.Sum(sums);
        }
        for (; i + 4 <= bytes.Length; i += 4)
            sum += BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]);
        if (i + 2 <= bytes.Length)
        {
            sum += BinaryPrimitives.ReadUInt16LittleEndian(bytes[i..]);
            i += 2;
        }
        if (i < bytes.Length)
            sum += bytes[i];
        return BinaryPrimitives.ReverseEndianness((ushort)Fold(sum));
    }

    /// <summary>The value for the header field.</summary>
    public static ushort Finish(ulong sum) => (ushort)~Fold(sum);

    /// <summary>
    /// Completes a checksum its sender left to the hardware. Whoever hands the frame over says where: in a frame with several
    /// headers (a tunnel's) it cannot be told by looking.
    /// </summary>
    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="start">Where the sum begins; the field holds the sum of the pseudo-header.</param>
    /// <param name="offset">The field, from <paramref name="start"/> on.</param>
    /// <returns>False when the field lies outside the frame.</returns>
    public static bool Complete(Span<byte> frame, int start, int offset)
    {
        if (!IsInside(frame, start, offset))
            return false;
        Span<byte> segment = frame[start..];
        if (offset == SctpChecksum)
        {
            CompleteSctp(segment);
            return true;
        }
        Write(segment[offset..], Sum(segment));
        return true;
    }

    /// <summary>Whether the field that <see cref="Complete"/> would write lies inside the frame.</summary>
    public static bool IsInside(ReadOnlySpan<byte> frame, int start, int offset) =>
        start + offset + (offset == SctpChecksum ? 4 : 2) <= frame.Length;

    /// <summary>Puts what <paramref name="sum"/> gives into a header field of TCP or UDP.</summary>
    public static void Write(Span<byte> field, ulong sum)
    {
        ushort checksum = Finish(sum);
        // 0 means "no checksum" in UDP.
        BinaryPrimitives.WriteUInt16BigEndian(field, checksum == 0 ? (ushort)0xffff : checksum);
    }

    /// <summary>SCTP alone has its field there, and a CRC-32C in it.</summary>
    private static void CompleteSctp(Span<byte> segment)
    {
        segment.Slice(SctpChecksum, 4).Clear();
        uint crc = uint.MaxValue;
        foreach (byte value in segment)
            crc = BitOperations.Crc32C(crc, value);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[SctpChecksum..], ~crc);
    }

    private static uint Fold(ulong sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (uint)sum;
    }
}
