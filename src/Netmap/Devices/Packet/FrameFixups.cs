using System.Buffers.Binary;
using System.Numerics;

namespace Netmap.Devices.Packet;

/// <summary>Undoes what offloading did to a frame before a packet socket sees it.</summary>
internal static unsafe class FrameFixups
{
    private const int Addresses = 12;
    private const int TagBytes = 4;
    private const int SctpChecksum = 8;

    /// <summary>What the MTU is compared with: a VLAN tag does not count.</summary>
    public static int UntaggedLength(Mbuf frame) => frame.Length > Addresses + TagBytes
        && BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(frame.Data + Addresses, 2)) is 0x8100 or 0x88a8
        ? frame.Length - TagBytes
        : frame.Length;

    /// <summary>Puts a stripped tag back behind the addresses; the mbuf has at least 4 bytes before its frame.</summary>
    public static void InsertVlanTag(Mbuf mbuf, ushort protocol, ushort tag)
    {
        if (mbuf.Length < Addresses)
            return;
        byte* moved = mbuf.Data - TagBytes;
        new ReadOnlySpan<byte>(mbuf.Data, Addresses).CopyTo(new Span<byte>(moved, Addresses));
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(moved + Addresses, 2), protocol);
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(moved + Addresses + 2, 2), tag);
        mbuf.Data = moved;
        mbuf.Length += TagBytes;
    }

    /// <summary>
    /// Completes a checksum its sender left to the hardware. The kernel says where: in a frame with several headers (a
    /// tunnel's) it cannot be told by looking.
    /// </summary>
    /// <param name="frame">From the Ethernet header on, without a stripped tag.</param>
    /// <param name="start">Where the sum begins; the field holds the sum of the pseudo-header.</param>
    /// <param name="offset">The field, from <paramref name="start"/> on.</param>
    /// <returns>False when the field lies outside the frame.</returns>
    public static bool CompleteChecksum(Span<byte> frame, int start, int offset)
    {
        if (start + offset + (offset == SctpChecksum ? 4 : 2) > frame.Length)
            return false;
        Span<byte> segment = frame[start..];
        if (offset == SctpChecksum)
        {
            CompleteSctp(segment);
            return true;
        }
        ushort checksum = (ushort)~Fold(Sum(segment));
        // 0 means "no checksum" in UDP.
        BinaryPrimitives.WriteUInt16BigEndian(segment[offset..], checksum == 0 ? (ushort)0xffff : checksum);
        return true;
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

    /// <summary>Sum of 16-bit words, not folded.</summary>
    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        int i = 0;
        for (; i + 1 < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return i < bytes.Length ? sum + ((uint)bytes[i] << 8) : sum;
    }

    private static uint Fold(ulong sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (uint)sum;
    }
}
