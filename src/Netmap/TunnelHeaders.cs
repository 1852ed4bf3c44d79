using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap;

/// <summary>
/// The headers of a tunnel before those of the frame it carries: IP, then UDP (VXLAN, Geneve, GUE, FOU), GRE, or nothing. A
/// segment's differ from those of the super-frame in lengths, identification and checksums; all else is the same.
/// </summary>
internal static class TunnelHeaders
{
    private const int UdpBytes = 8;
    private const int UdpLength = 4;
    private const int UdpChecksum = 6;
    private const int GreBytes = 4;
    private const byte GreHasChecksum = 0x80;
    private const byte GreHasSequence = 0x10;
    private const int GreChecksum = 4;

    /// <summary>They are of such a kind.</summary>
    /// <param name="headers">From the IP header on, up to the carried IP header.</param>
    public static bool AreKnown(ReadOnlySpan<byte> headers)
    {
        int ip = Segmenter.IpLength(headers);
        int rest = headers.Length - ip;
        // All of them come in words of two bytes, which the sums count on.
        return ip > 0 && rest % 2 == 0 && Protocol(headers) switch
        {
            LinuxIn.IPPROTO_UDP => rest >= UdpBytes,
            LinuxIn.IPPROTO_GRE => rest >= GreBytes && IsKnownGre(headers[ip..]),
            LinuxIn.IPPROTO_IPIP or LinuxIn.IPPROTO_IPV6 => rest == 0,
            _ => false,
        };
    }

    /// <summary>Makes those of one segment.</summary>
    /// <param name="headers">From the tunnel's IP header on, up to the payload; all behind the tunnel's own is done.</param>
    /// <param name="payload">What follows.</param>
    /// <param name="index">Which segment.</param>
    public static void Fix(Span<byte> headers, ReadOnlySpan<byte> payload, int index)
    {
        int ip = Segmenter.IpLength(headers);
        Span<byte> l3 = headers[..ip];
        Span<byte> rest = headers[ip..];
        int length = rest.Length + payload.Length;
        Segmenter.FixIp(l3, length, index);
        if (Protocol(headers) == LinuxIn.IPPROTO_UDP)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest[UdpLength..], (ushort)length);
            // 0: the tunnel has none.
            if (BinaryPrimitives.ReadUInt16BigEndian(rest[UdpChecksum..]) != 0)
                Segmenter.WriteChecksum(l3, rest, payload, LinuxIn.IPPROTO_UDP);
        }
        else if (Protocol(headers) == LinuxIn.IPPROTO_GRE && (rest[0] & GreHasChecksum) != 0)
        {
            rest.Slice(GreChecksum, 2).Clear();
            BinaryPrimitives.WriteUInt16BigEndian(rest[GreChecksum..],
                InternetChecksum.Finish(InternetChecksum.Sum(rest) + InternetChecksum.Sum(payload)));
        }
    }

    /// <summary>Numbered packets have a number each, which only the tunnel's end knows.</summary>
    private static bool IsKnownGre(ReadOnlySpan<byte> header) =>
        (header[0] & GreHasSequence) == 0 && ((header[0] & GreHasChecksum) == 0 || header.Length >= GreChecksum + GreBytes);

    private static byte Protocol(ReadOnlySpan<byte> ip) => ip[ip[0] >> 4 == 4 ? 9 : 6];
}
