using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap;

/// <summary>How a super-frame is cut: places of its headers from the Ethernet header on, in bytes.</summary>
internal readonly record struct Segments
{
    /// <summary>The outermost IP header: that of a tunnel, or <see cref="L3"/>.</summary>
    public int OuterL3 { get; init; }

    /// <summary>The sender's IP header.</summary>
    public int L3 { get; init; }

    /// <summary>The TCP or UDP header.</summary>
    public int L4 { get; init; }

    /// <summary>All headers; the payload follows.</summary>
    public int Headers { get; init; }

    public bool IsTcp { get; init; }

    /// <summary>The sender had reduced its window: only the first segment may say so.</summary>
    public bool HasEcn { get; init; }

    /// <summary>Payload of each segment but the last.</summary>
    public int Payload { get; init; }

    public int Count { get; init; }
}

/// <summary>
/// Cuts TCP and UDP super-frames into frames that a port without offloads can take (spec 7.5). Works on a copy nobody else
/// writes to, and never writes to it; what it makes is in <see cref="HeaderBytes"/> first.
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
        byte type = (byte)(header.gso_type & ~LinuxVirtioNet.VIRTIO_NET_HDR_GSO_ECN);
        segments = default;
        return FindIp(frame, type) is var ip and > 0 && TryPlanAt(frame, new()
        {
            OuterL3 = ip,
            L3 = ip,
            IsTcp = type != LinuxVirtioNet.VIRTIO_NET_HDR_GSO_UDP,
            HasEcn = (header.gso_type & LinuxVirtioNet.VIRTIO_NET_HDR_GSO_ECN) != 0,
            Payload = header.gso_size,
        }, longest, out segments);
    }

    /// <summary>Decides how to cut a frame of which it is known where its IP headers are.</summary>
    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="sender">
    /// What the sender says: places of the IP headers, TCP or UDP, and the size of its segments, what its peer agreed to, or 0.
    /// </param>
    /// <param name="longest">Bytes of a frame at most.</param>
    /// <param name="segments">Valid if true.</param>
    /// <returns>False for what is none of that, or a tunnel of a kind not known here.</returns>
    public static bool TryPlanAt(ReadOnlySpan<byte> frame, in Segments sender, int longest, out Segments segments)
    {
        segments = default;
        if (!TryParse(frame, sender, out Segments found))
            return false;
        int payload = longest - found.Headers;
        if (sender.Payload > 0)
            payload = Math.Min(payload, sender.Payload);
        if (payload <= 0)
            return false;
        segments = found with { Payload = payload, Count = Math.Max(1, (frame.Length - found.Headers + payload - 1) / payload) };
        return segments.OuterL3 == segments.L3 || TunnelHeaders.AreKnown(frame[segments.OuterL3..segments.L3]);
    }

    /// <summary>Makes the headers of one segment.</summary>
    /// <param name="segments">The plan for this frame.</param>
    /// <param name="frame">The super-frame.</param>
    /// <param name="index">Which segment, 0..Count-1.</param>
    /// <param name="made">Receives <see cref="Segments.Headers"/> bytes.</param>
    /// <returns>The payload to follow them.</returns>
    public static ReadOnlySpan<byte> Build(in Segments segments, ReadOnlySpan<byte> frame, int index, ref HeaderBytes made)
    {
        Span<byte> headers = made[..segments.Headers];
        frame[..segments.Headers].CopyTo(headers);
        int start = segments.Headers + (index * segments.Payload);
        ReadOnlySpan<byte> payload = frame[start..Math.Min(frame.Length, start + segments.Payload)];
        Span<byte> l3 = headers[segments.L3..segments.L4];
        Span<byte> l4 = headers[segments.L4..segments.Headers];
        int length = l4.Length + payload.Length;
        FixIp(l3, length, index);
        if (segments.IsTcp)
            FixTcp(l4, index, segments);
        else
            BinaryPrimitives.WriteUInt16BigEndian(l4[4..], (ushort)length);
        WriteChecksum(l3, l4, payload, segments.IsTcp ? LinuxIn.IPPROTO_TCP : LinuxIn.IPPROTO_UDP);
        if (segments.OuterL3 < segments.L3)
            TunnelHeaders.Fix(headers[segments.OuterL3..], payload, index);
        return payload;
    }

    /// <summary>Completes an IP header.</summary>
    /// <param name="header">All of it.</param>
    /// <param name="length">Bytes behind it.</param>
    /// <param name="index">Which segment.</param>
    public static void FixIp(Span<byte> header, int length, int index)
    {
        if (header[0] >> 4 == 4)
            FixIpv4(header, length, index);
        else
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)length);
    }

    /// <summary>Writes the checksum of a TCP or UDP header.</summary>
    /// <param name="l3">The IP header before it.</param>
    /// <param name="l4">The header, and what else comes before the payload: an even number of bytes.</param>
    /// <param name="payload">What follows.</param>
    /// <param name="protocol">IPPROTO_TCP or IPPROTO_UDP.</param>
    public static void WriteChecksum(ReadOnlySpan<byte> l3, Span<byte> l4, ReadOnlySpan<byte> payload, byte protocol)
    {
        Span<byte> field = l4.Slice(protocol == LinuxIn.IPPROTO_TCP ? 16 : 6, 2);
        field.Clear();
        // The pseudo-header: both addresses, the protocol, the length.
        ulong sum = InternetChecksum.Sum(l3[0] >> 4 == 4 ? l3.Slice(12, 8) : l3.Slice(8, 32));
        sum += protocol + (uint)(l4.Length + payload.Length);
        sum += InternetChecksum.Sum(l4) + InternetChecksum.Sum(payload);
        ushort checksum = InternetChecksum.Finish(sum);
        // 0 means "no checksum" in UDP.
        BinaryPrimitives.WriteUInt16BigEndian(field, checksum == 0 && protocol == LinuxIn.IPPROTO_UDP ? (ushort)0xffff : checksum);
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

    /// <summary>Where the IP header is behind Ethernet and VLAN tags; 0 for what is no IP of that type.</summary>
    private static int FindIp(ReadOnlySpan<byte> frame, byte type)
    {
        int l3 = LinuxIfEther.ETH_HLEN;
        while (frame.Length >= l3 && EtherType(frame, l3) is LinuxIfEther.ETH_P_8021Q or LinuxIfEther.ETH_P_8021AD)
            l3 += 4;
        if (frame.Length <= l3)
            return 0;
        int version = EtherType(frame, l3) switch { LinuxIfEther.ETH_P_IP => 4, LinuxIfEther.ETH_P_IPV6 => 6, _ => 0 };
        byte wrong = version == 4 ? LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV6 : LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4;
        return frame[l3] >> 4 == version && type != wrong ? l3 : 0;
    }

    private static bool TryParse(ReadOnlySpan<byte> frame, in Segments sender, out Segments segments)
    {
        segments = default;
        if (sender.OuterL3 < LinuxIfEther.ETH_HLEN || sender.L3 < sender.OuterL3 || frame.Length <= sender.L3)
            return false;
        ReadOnlySpan<byte> ip = frame[sender.L3..];
        int length = IpLength(ip);
        if (length == 0)
            return false;
        bool ipv4 = ip[0] >> 4 == 4;
        int l4 = sender.L3 + length;
        int headers = l4 + (sender.IsTcp ? TcpLength(frame[l4..]) : 8);
        if (ip[ipv4 ? 9 : 6] != (sender.IsTcp ? LinuxIn.IPPROTO_TCP : LinuxIn.IPPROTO_UDP) || headers == l4
            || headers > frame.Length || headers > LongestHeaders)
            return false;
        segments = sender with { L4 = l4, Headers = headers };
        return true;
    }

    /// <summary>Bytes of an IP header; 0 for one that is none, or that of a fragment, or has extension headers.</summary>
    public static int IpLength(ReadOnlySpan<byte> ip) => ip.Length == 0 ? 0 : (ip[0] >> 4) switch
    {
        4 => Ipv4Length(ip),
        6 => ip.Length >= 40 ? 40 : 0,
        _ => 0,
    };

    private static ushort EtherType(ReadOnlySpan<byte> frame, int end) => BinaryPrimitives.ReadUInt16BigEndian(frame[(end - 2)..]);

    private static int Ipv4Length(ReadOnlySpan<byte> ip)
    {
        if (ip.Length < 20)
            return 0;
        int length = (ip[0] & 0xf) * 4;
        bool fragment = (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x3fff) != 0;
        return length >= 20 && length <= ip.Length && !fragment ? length : 0;
    }

    private static int TcpLength(ReadOnlySpan<byte> tcp)
    {
        int length = tcp.Length >= 20 ? (tcp[12] >> 4) * 4 : 0;
        return length >= 20 ? length : 0;
    }
}
