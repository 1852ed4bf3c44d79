using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap.Devices.Host;

/// <summary>
/// Where the headers of a frame are, as far as offloads of the host's own sockets need it: IPv4 or IPv6, and what follows.
/// Fragments and IPv6 extension headers are not looked through: the kernel itself completes those.
/// </summary>
internal readonly ref struct FrameLook
{
    private const int VlanTag = 4;
    private const int SctpChecksum = 8;

    /// <summary>UDP ports of tunnels: VXLAN, its old one on Linux, Geneve.</summary>
    private static readonly ushort[] s_tunnels = [4789, 8472, 6081];

    private readonly Span<byte> _frame;
    private readonly int _l3;
    private readonly int _end;
    private readonly bool _ipv4;

    private FrameLook(Span<byte> frame, int l3, int l4, int end, byte protocol)
    {
        _frame = frame[..Math.Min(frame.Length, end)];
        _ipv4 = frame[l3] >> 4 == 4;
        (_l3, L4, _end, Protocol) = (l3, l4, end, protocol);
    }

    /// <summary>IPPROTO_*; 0 for what is not looked into.</summary>
    public byte Protocol { get; }

    /// <summary>Bytes of VLAN tags.</summary>
    public int Tags => _l3 - LinuxIfEther.ETH_HLEN;

    public static FrameLook At(Span<byte> frame) => AtHeaders(frame, frame.Length);

    /// <summary>Of a frame of <paramref name="total"/> bytes that begins with these.</summary>
    public static FrameLook AtHeaders(Span<byte> frame, int total)
    {
        int l3 = LinuxIfEther.ETH_HLEN;
        while (frame.Length >= l3 && EtherType(frame, l3) is LinuxIfEther.ETH_P_8021Q or LinuxIfEther.ETH_P_8021AD)
            l3 += VlanTag;
        // Both headers, as far as they are read here.
        if (frame.Length < l3 + 28)
            return default;
        Span<byte> ip = frame[l3..];
        int room = total - l3;
        if (EtherType(frame, l3) == LinuxIfEther.ETH_P_IP && ip[0] >> 4 == 4)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
            int header = (ip[0] & 0xf) * 4;
            bool fragment = (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x3fff) != 0;
            // A super-frame beyond 64 KB says 0.
            length = length == 0 ? room : length;
            return fragment || header < 20 || length < header + 8 || length > room || ip.Length < header + 8 ? default
                : new(frame, l3, l3 + header, l3 + length, ip[9]);
        }
        if (EtherType(frame, l3) != LinuxIfEther.ETH_P_IPV6 || ip.Length < 48)
            return default;
        int payload = BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        payload = payload == 0 ? room - 40 : payload;
        return payload < 8 || payload > room - 40 ? default : new(frame, l3, l3 + 40, l3 + 40 + payload, ip[6]);
    }

    /// <summary>VIRTIO_NET_HDR_GSO_* for cutting a super-frame; GSO_NONE for what cannot be cut.</summary>
    public byte SegmentType => Protocol switch
    {
        LinuxIn.IPPROTO_TCP => _ipv4 ? LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4 : LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV6,
        LinuxIn.IPPROTO_UDP when !s_tunnels.Contains(BinaryPrimitives.ReadUInt16BigEndian(_frame[(L4 + 2)..])) => LinuxVirtioNet.VIRTIO_NET_HDR_GSO_UDP,
        _ => LinuxVirtioNet.VIRTIO_NET_HDR_GSO_NONE,
    };

    /// <summary>Where the header behind IP is.</summary>
    public int L4 { get; }

    /// <summary>The checksum field, from <see cref="L4"/> on; -1 for a protocol that has none or is not known here.</summary>
    public int ChecksumOffset => Protocol switch
    {
        LinuxIn.IPPROTO_TCP => 16,
        LinuxIn.IPPROTO_UDP => 6,
        LinuxIn.IPPROTO_SCTP => SctpChecksum,
        _ => -1,
    };

    /// <summary>
    /// The sender left the checksum to the hardware. Then the field holds the sum of the pseudo-header, which a complete one
    /// does once in 65,536 times, and completing that gives the same value again; SCTP's holds 0.
    /// </summary>
    public bool LacksChecksum
    {
        get
        {
            int offset = ChecksumOffset;
            if (offset < 0 || _frame.Length < L4 + offset + (offset == SctpChecksum ? 4 : 2))
                return false;
            ReadOnlySpan<byte> found = _frame[(L4 + offset)..];
            return offset == SctpChecksum
                ? BinaryPrimitives.ReadUInt32LittleEndian(found) == 0
                : BinaryPrimitives.ReadUInt16BigEndian(found) == PseudoHeader();
        }
    }

    /// <summary>Completes the checksum of a whole frame if the sender did not; false when there was nothing to do.</summary>
    public bool CompleteChecksum() => LacksChecksum && InternetChecksum.Complete(_frame, L4, ChecksumOffset);

    private ushort PseudoHeader()
    {
        ulong sum = InternetChecksum.Sum(_ipv4 ? _frame.Slice(_l3 + 12, 8) : _frame.Slice(_l3 + 8, 32));
        return (ushort)~InternetChecksum.Finish(sum + Protocol + (uint)(_end - L4));
    }

    private static ushort EtherType(ReadOnlySpan<byte> frame, int end) => BinaryPrimitives.ReadUInt16BigEndian(frame[(end - 2)..]);
}
