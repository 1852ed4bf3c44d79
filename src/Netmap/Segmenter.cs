using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap;

/// <summary>How a super-frame is cut: places of its headers from the Ethernet header on, in bytes.</summary>
internal readonly record struct Segments
{
    /// <summary>The IP header.</summary>
    public int L3 { get; init; }

    /// <summary>The TCP or UDP header.</summary>
    public int L4 { get; init; }

    /// <summary>All headers; the payload follows.</summary>
    public int Headers { get; init; }

    public bool IsIpv4 { get; init; }

    public bool IsTcp { get; init; }

    /// <summary>The sender had reduced its window: only the first segment may say so.</summary>
    public bool HasEcn { get; init; }

    /// <summary>Payload of each segment but the last.</summary>
    public int Payload { get; init; }

    public int Count { get; init; }
}

/// <summary>
/// Cuts TCP and UDP super-frames into frames that a port without offloads can take (spec 7.5). Works on a copy nobody else
/// writes to, and never writes to it.
/// </summary>
internal static class Segmenter
{
    /// <summary>Headers of a super-frame at most: Ethernet, some VLAN tags, IPv4 and TCP with all options.</summary>
    public const int LongestHeaders = 256;

    private const byte Cwr = 0x80;
    private const byte PushAndFin = 0x09;

    /// <summary>Decides how to cut.</summary>
    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="header">The virtio-net header before it; <c>gso_type</c> is not GSO_NONE.</param>
    /// <param name="longest">Bytes of a frame at most.</param>
    /// <param name="segments">Valid if true.</param>
    /// <returns>False for what is not TCP or UDP over IP as the header says, or too short for its own headers.</returns>
    public static bool TryPlan(ReadOnlySpan<byte> frame, in virtio_net_hdr header, int longest, out Segments segments)
    {
        if (!TryParse(frame, (byte)(header.gso_type & ~LinuxVirtioNet.VIRTIO_NET_HDR_GSO_ECN), out segments))
            return false;
        int payload = longest - segments.Headers;
        // The sender's segment size, where it says one: what its peer agreed to.
        if (header.gso_size > 0)
            payload = Math.Min(payload, header.gso_size);
        if (payload <= 0)
            return false;
        segments = segments with
        {
            HasEcn = (header.gso_type & LinuxVirtioNet.VIRTIO_NET_HDR_GSO_ECN) != 0,
            Payload = payload,
            Count = Math.Max(1, (frame.Length - segments.Headers + payload - 1) / payload),
        };
        return true;
    }

    /// <summary>Makes the headers of one segment.</summary>
    /// <param name="segments">The plan for this frame.</param>
    /// <param name="frame">The super-frame.</param>
    /// <param name="index">Which segment, 0..Count-1.</param>
    /// <param name="headers">Receives <see cref="Segments.Headers"/> bytes.</param>
    /// <returns>The payload to follow them.</returns>
    public static ReadOnlySpan<byte> Build(in Segments segments, ReadOnlySpan<byte> frame, int index, Span<byte> headers)
    {
        frame[..segments.Headers].CopyTo(headers);
        int start = segments.Headers + (index * segments.Payload);
        ReadOnlySpan<byte> payload = frame[start..Math.Min(frame.Length, start + segments.Payload)];
        Span<byte> l3 = headers[segments.L3..segments.L4];
        Span<byte> l4 = headers[segments.L4..segments.Headers];
        int length = l4.Length + payload.Length;
        if (segments.IsIpv4)
            FixIpv4(l3, length, index);
        else
            BinaryPrimitives.WriteUInt16BigEndian(l3[4..], (ushort)length);
        if (segments.IsTcp)
            FixTcp(l4, index, segments);
        else
            BinaryPrimitives.WriteUInt16BigEndian(l4[4..], (ushort)length);
        WriteChecksum(l3, l4, payload, segments);
        return payload;
    }

    private static void FixIpv4(Span<byte> header, int length, int index)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(header.Length + length));
        ushort id = BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(id + index));
        header.Slice(10, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Finish(InternetChecksum.Sum(header)));
    }

    private static void FixTcp(Span<byte> header, int index, in Segments segments)
    {
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], sequence + (uint)(index * segments.Payload));
        if (index < segments.Count - 1)
            header[13] &= unchecked((byte)~PushAndFin);
        if (index > 0 && segments.HasEcn)
            header[13] &= unchecked((byte)~Cwr);
    }

    private static void WriteChecksum(ReadOnlySpan<byte> l3, Span<byte> l4, ReadOnlySpan<byte> payload, in Segments segments)
    {
        Span<byte> field = l4.Slice(segments.IsTcp ? 16 : 6, 2);
        field.Clear();
        // The pseudo-header: both addresses, the protocol, the length.
        ulong sum = InternetChecksum.Sum(segments.IsIpv4 ? l3.Slice(12, 8) : l3.Slice(8, 32));
        sum += segments.IsTcp ? LinuxIn.IPPROTO_TCP : LinuxIn.IPPROTO_UDP;
        sum += (uint)(l4.Length + payload.Length);
        sum += InternetChecksum.Sum(l4) + InternetChecksum.Sum(payload);
        ushort checksum = InternetChecksum.Finish(sum);
        // 0 means "no checksum" in UDP.
        BinaryPrimitives.WriteUInt16BigEndian(field, checksum == 0 && !segments.IsTcp ? (ushort)0xffff : checksum);
    }

    private static bool TryParse(ReadOnlySpan<byte> frame, byte type, out Segments segments)
    {
        segments = default;
        int l3 = LinuxIfEther.ETH_HLEN;
        while (frame.Length >= l3 && EtherType(frame, l3) is LinuxIfEther.ETH_P_8021Q or LinuxIfEther.ETH_P_8021AD)
            l3 += 4;
        if (frame.Length < l3)
            return false;
        bool ipv4 = EtherType(frame, l3) == LinuxIfEther.ETH_P_IP;
        byte wrong = ipv4 ? LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV6 : LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4;
        if ((!ipv4 && EtherType(frame, l3) != LinuxIfEther.ETH_P_IPV6) || type == wrong)
            return false;
        ReadOnlySpan<byte> ip = frame[l3..];
        int length = ipv4 ? Ipv4Length(ip) : Ipv6Length(ip);
        if (length == 0)
            return false;
        bool tcp = type != LinuxVirtioNet.VIRTIO_NET_HDR_GSO_UDP;
        byte protocol = ip[ipv4 ? 9 : 6];
        ReadOnlySpan<byte> transport = ip[length..];
        int headers = l3 + length + (tcp ? TcpLength(transport) : 8);
        if (protocol != (tcp ? LinuxIn.IPPROTO_TCP : LinuxIn.IPPROTO_UDP) || headers == l3 + length
            || headers > frame.Length || headers > LongestHeaders)
            return false;
        segments = new() { L3 = l3, L4 = l3 + length, Headers = headers, IsIpv4 = ipv4, IsTcp = tcp };
        return true;
    }

    private static ushort EtherType(ReadOnlySpan<byte> frame, int end) => BinaryPrimitives.ReadUInt16BigEndian(frame[(end - 2)..]);

    /// <summary>0 for a header that is none, or that of a fragment.</summary>
    private static int Ipv4Length(ReadOnlySpan<byte> ip)
    {
        if (ip.Length < 20 || ip[0] >> 4 != 4)
            return 0;
        int length = (ip[0] & 0xf) * 4;
        bool fragment = (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x3fff) != 0;
        return length >= 20 && length <= ip.Length && !fragment ? length : 0;
    }

    /// <summary>Without extension headers: what follows must be TCP or UDP.</summary>
    private static int Ipv6Length(ReadOnlySpan<byte> ip) => ip.Length >= 40 && ip[0] >> 4 == 6 ? 40 : 0;

    private static int TcpLength(ReadOnlySpan<byte> tcp)
    {
        int length = tcp.Length >= 20 ? (tcp[12] >> 4) * 4 : 0;
        return length >= 20 ? length : 0;
    }
}
