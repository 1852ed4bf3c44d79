using System.Buffers.Binary;
using System.Net;

namespace Netmap.Devices;

/// <summary>What a checksum goes over: bytes of a frame.</summary>
/// <param name="Start">First byte.</param>
/// <param name="End">Behind the last one.</param>
/// <param name="Field">The checksum, from <paramref name="Start"/> on; in it the sum so far.</param>
internal readonly record struct PartialSegment(int Start, int End, int Field);

/// <summary>
/// Checksums that a sender on this machine left to its hardware. An XDP program gets no word of it, but the field tells:
/// it holds the plain sum of the pseudo-header, which a complete checksum equals only where completing it changes nothing.
/// Inside a tunnel's frames it cannot be told.
/// </summary>
internal static unsafe class PartialChecksum
{
    private const int Ethernet = 14;
    private const int Tag = 4;
    private const int Tcp = 6;
    private const int Udp = 17;

    /// <summary>Completes the checksum of a TCP or UDP segment over IPv4 or IPv6 if it is partial.</summary>
    /// <param name="frame">First byte of the Ethernet header.</param>
    /// <param name="length">Bytes of the frame, all of them here.</param>
    /// <returns>True when it was.</returns>
    public static bool Complete(byte* frame, int length) =>
        Find(frame, length, length) is { } segment && InternetChecksum.Complete(new Span<byte>(frame, segment.End), segment.Start, segment.Field);

    /// <summary>The TCP or UDP segment over IPv4 or IPv6 whose checksum is partial, or null.</summary>
    /// <param name="frame">First byte of the Ethernet header.</param>
    /// <param name="here">Bytes of the frame that are here, all headers among them.</param>
    /// <param name="length">Bytes of the frame.</param>
    public static PartialSegment? Find(byte* frame, int here, int length)
    {
        int ip = Ethernet;
        ushort type = here > Ethernet + Tag ? Word(frame + 12) : (ushort)0;
        for (; type is 0x8100 or 0x88a8 && here > ip + Tag + Tag; ip += Tag)
            type = Word(frame + ip + 2);
        PartialSegment? segment = type switch
        {
            0x0800 when here >= ip + 20 => FindV4(frame, ip, here),
            0x86dd when here >= ip + 40 => Find(frame, ip + 40, ip + 40 + Word(frame + ip + 4), here, frame[ip + 6], frame + ip + 8, 32),
            _ => null,
        };
        return segment is { } found && found.End <= length ? found : null;
    }

    private static PartialSegment? FindV4(byte* frame, int ip, int here)
    {
        int header = (frame[ip] & 0xf) * 4;
        bool fragment = (Word(frame + ip + 6) & 0x3fff) != 0;
        return fragment || header < 20 ? null : Find(frame, ip + header, ip + Word(frame + ip + 2), here, frame[ip + 9], frame + ip + 12, 8);
    }

    /// <param name="frame">The frame.</param>
    /// <param name="start">Where the segment begins.</param>
    /// <param name="end">Where it ends, by its IP header.</param>
    /// <param name="here">Bytes of the frame that are here.</param>
    /// <param name="protocol">IP protocol.</param>
    /// <param name="addresses">Source and destination.</param>
    /// <param name="addressBytes">Of both.</param>
    private static PartialSegment? Find(byte* frame, int start, int end, int here, byte protocol, byte* addresses, int addressBytes)
    {
        int field = protocol == Tcp ? 16 : protocol == Udp ? 6 : -1;
        if (field < 0 || start + field + 2 > Math.Min(here, end))
            return null;
        ulong sum = (ulong)(protocol + (end - start));
        for (int i = 0; i < addressBytes; i += 4)
            sum += (uint)IPAddress.NetworkToHostOrder(*(int*)(addresses + i));
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return Word(frame + start + field) == sum ? new(start, end, field) : null;
    }

    private static ushort Word(byte* at) => BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(at, 2));
}
