using System.Buffers.Binary;

namespace Netmap.Devices.Packet;

/// <summary>Undoes what offloading did to a frame before a packet socket sees it.</summary>
internal static unsafe class FrameFixups
{
    private const int Addresses = 12;
    private const int TagBytes = 4;
    private const byte Tcp = 6;
    private const byte Udp = 17;

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
    /// Computes the TCP or UDP checksum of an IPv4 or IPv6 frame whose sender left it to the hardware.
    /// </summary>
    /// <returns>False for frames that carry neither.</returns>
    public static bool CompleteChecksum(Span<byte> frame)
    {
        if (!TryFindTransport(frame, out Span<byte> pseudo, out byte protocol, out Span<byte> segment))
            return false;
        int field = protocol == Tcp ? 16 : 6;
        if (protocol is not (Tcp or Udp) || segment.Length < field + 2)
            return false;
        BinaryPrimitives.WriteUInt16BigEndian(segment[field..], 0);
        uint sum = Sum(pseudo) + protocol + (uint)(segment.Length & 0xffff) + (uint)(segment.Length >> 16) + Sum(segment);
        ushort checksum = (ushort)~Fold(sum);
        // 0 means "no checksum" in UDP.
        BinaryPrimitives.WriteUInt16BigEndian(segment[field..], checksum == 0 && protocol == Udp ? (ushort)0xffff : checksum);
        return true;
    }

    private static bool TryFindTransport(Span<byte> frame, out Span<byte> addresses, out byte protocol, out Span<byte> segment)
    {
        addresses = segment = [];
        protocol = 0;
        int at = Addresses;
        while (frame.Length >= at + 2 && BinaryPrimitives.ReadUInt16BigEndian(frame[at..]) is 0x8100 or 0x88a8)
            at += TagBytes;
        if (frame.Length < at + 2)
            return false;
        Span<byte> packet = frame[(at + 2)..];
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame[at..]))
        {
            case 0x0800 when packet.Length >= 20:
                int header = (packet[0] & 15) * 4;
                int total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
                // A super-frame beyond 64 KiB says 0 here.
                total = total == 0 ? packet.Length : total;
                if (header < 20 || total < header || total > packet.Length)
                    return false;
                addresses = packet[12..20];
                protocol = packet[9];
                segment = packet[header..total];
                return true;
            case 0x86dd when packet.Length >= 40:
                int payload = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
                int end = payload == 0 ? packet.Length : 40 + payload;
                if (end > packet.Length)
                    return false;
                addresses = packet[8..40];
                protocol = packet[6];
                segment = packet[40..end];
                return true;
            default:
                return false;
        }
    }

    /// <summary>Sum of 16-bit words, not folded; at most 64 KiB plus some go in without overflow.</summary>
    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        int i = 0;
        for (; i + 1 < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return i < bytes.Length ? sum + ((uint)bytes[i] << 8) : sum;
    }

    private static uint Fold(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        return (sum & 0xffff) + (sum >> 16);
    }
}
