using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Devices;

/// <summary>
/// Where the headers of a frame are, as far as what senders on this machine leave to hardware needs it: IPv4 or IPv6, what
/// follows, and what tunnels of known kinds carry. Fragments and IPv6 extension headers are not looked through: the kernel
/// itself completes those. All of it is judged by a copy of the headers.
/// </summary>
internal readonly unsafe ref struct FrameLook
{
    /// <summary>UDP ports of tunnels: VXLAN, its old one on Linux, Geneve.</summary>
    public const ushort Vxlan = 4789;
    public const ushort OldVxlan = 8472;
    public const ushort Geneve = 6081;

    private const int VlanTag = 4;
    private const int SctpChecksum = 8;

    /// <summary>Tunnels in tunnels beyond that are not looked through.</summary>
    private const int Deepest = 4;

    private const int UdpAndTunnel = 16;

    private readonly ref HeaderCopy _headers;
    private readonly int _length;

    private FrameLook(ref HeaderCopy headers, int length, bool isIpv4, (int L3, int L4, int End) places)
    {
        _headers = ref headers;
        (L3, L4, End) = places;
        (_length, IsIpv4, Protocol) = (Math.Min(length, End), isIpv4, headers[L3 + (isIpv4 ? 9 : 6)]);
    }

    /// <summary>IPPROTO_*; 0 for what is not looked into.</summary>
    public byte Protocol { get; }

    /// <summary>Bytes of VLAN tags.</summary>
    public int Tags => L3 - LinuxIfEther.ETH_HLEN;

    /// <param name="headers">Its first bytes.</param>
    /// <param name="total">How many there are; 0 for no more.</param>
    public static FrameLook At(ref HeaderCopy headers, int total = 0) =>
        AtEthernet(ref headers, headers.Length, 0, Math.Max(headers.Length, total));

    public bool IsIpv4 { get; }

    /// <summary>Where the IP header is.</summary>
    public int L3 { get; }

    /// <summary>Where the header behind IP is.</summary>
    public int L4 { get; }

    /// <summary>Behind the last byte, by the IP header.</summary>
    public int End { get; }

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
            int place = L4 + offset;
            int end = place + (offset == SctpChecksum ? 4 : 2);
            if (offset < 0 || _length < end || !_headers.Has(end))
                return false;
            return offset == SctpChecksum ? _headers.Word(place) == 0 && _headers.Word(place + 2) == 0 : _headers.Word(place) == PseudoHeader();
        }
    }

    /// <summary>What a tunnel carries; its <see cref="Protocol"/> is 0 where this is none of those known here.</summary>
    public FrameLook Carried => Protocol switch
    {
        LinuxIn.IPPROTO_UDP => CarriedByUdp(),
        LinuxIn.IPPROTO_GRE => CarriedByGre(),
        LinuxIn.IPPROTO_IPIP => AtIp(LinuxIfEther.ETH_P_IP, L4),
        LinuxIn.IPPROTO_IPV6 => AtIp(LinuxIfEther.ETH_P_IPV6, L4),
        _ => default,
    };

    /// <summary>
    /// Completes the checksum of a whole frame if the sender did not; false when there was nothing to do. From the inside out: a
    /// tunnel's own checksum that is complete fits the frame whose inner one is, too.
    /// </summary>
    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="length">All of it.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool CompleteChecksum(byte* frame, int length)
    {
        HeaderCopy headers = new(frame, length);
        FrameLook look = At(ref headers);
        return look.Protocol != 0 && look.CompleteChecksum(Deepest);
    }

    /// <summary>The look, this one or one further inside, whose checksum is lacking; its <see cref="Protocol"/> is 0 where none is.</summary>
    public FrameLook FindLacking()
    {
        FrameLook found = default;
        FrameLook look = this;
        for (int i = 0; i <= Deepest && look.Protocol != 0; i++, look = look.Carried)
            found = look.LacksChecksum ? look : found;
        return found;
    }

    private ushort UdpPort => _headers.Word(L4 + 2);

    private bool CompleteChecksum(int deepest)
    {
        bool inner = deepest > 0 && Carried is { Protocol: not 0 } carried && carried.CompleteChecksum(deepest - 1);
        return (LacksChecksum && InternetChecksum.Complete(new Span<byte>(_headers.Frame, _length), L4, ChecksumOffset)) || inner;
    }

    private FrameLook CarriedByUdp() => UdpPort switch
    {
        Vxlan or OldVxlan => AtEthernet(ref _headers, _length, L4 + UdpAndTunnel, End),
        Geneve when _length >= L4 + UdpAndTunnel && _headers.Has(L4 + UdpAndTunnel) =>
            AtType(_headers.Word(L4 + 10), L4 + UdpAndTunnel + ((_headers[L4 + 8] & 0x3f) * 4)),
        _ => default,
    };

    /// <summary>Version 0, without routing: with checksum, key and number, or without.</summary>
    private FrameLook CarriedByGre()
    {
        byte flags = _headers[L4];
        int optional = (flags >> 7) + ((flags >> 5) & 1) + ((flags >> 4) & 1);
        return (flags & 0x4f) != 0 || _headers[L4 + 1] != 0 ? default : AtType(_headers.Word(L4 + 2), L4 + 4 + (4 * optional));
    }

    private FrameLook AtType(ushort type, int at) =>
        type == LinuxIfEther.ETH_P_TEB ? AtEthernet(ref _headers, _length, at, End) : AtIp(type, at);

    private FrameLook AtIp(ushort type, int at) => AtIp(type, ref _headers, _length, at, End);

    private static FrameLook AtEthernet(ref HeaderCopy headers, int length, int at, int total)
    {
        int l3 = at + LinuxIfEther.ETH_HLEN;
        ushort type = Has(ref headers, length, l3) ? headers.Word(l3 - 2) : (ushort)0;
        while (type is LinuxIfEther.ETH_P_8021Q or LinuxIfEther.ETH_P_8021AD && Has(ref headers, length, l3 + VlanTag))
        {
            l3 += VlanTag;
            type = headers.Word(l3 - 2);
        }
        return AtIp(type, ref headers, length, l3, total);
    }

    /// <summary>Both headers must be there, as far as they are read here: eight bytes of the second.</summary>
    private static FrameLook AtIp(ushort type, ref HeaderCopy headers, int length, int l3, int total)
    {
        int room = total - l3;
        if (type == LinuxIfEther.ETH_P_IP && Has(ref headers, length, l3 + 28) && headers[l3] >> 4 == 4)
        {
            int header = (headers[l3] & 0xf) * 4;
            int told = headers.Word(l3 + 2);
            // A super-frame beyond 64 KB says 0.
            int packet = room > ushort.MaxValue && told == 0 ? room : told;
            bool fragment = (headers.Word(l3 + 6) & 0x3fff) != 0;
            return fragment || header < 20 || packet < header + 8 || packet > room || !Has(ref headers, length, l3 + header + 8) ? default
                : new(ref headers, length, isIpv4: true, (l3, l3 + header, l3 + packet));
        }
        if (type != LinuxIfEther.ETH_P_IPV6 || !Has(ref headers, length, l3 + 48) || headers[l3] >> 4 != 6)
            return default;
        int said = headers.Word(l3 + 4);
        int payload = room > ushort.MaxValue && said == 0 ? room - 40 : said;
        return payload < 8 || payload > room - 40 ? default
            : new(ref headers, length, isIpv4: false, (l3, l3 + 40, l3 + 40 + payload));
    }

    /// <summary>The bytes before <paramref name="end"/> are in the frame, or in what carries it, and copied.</summary>
    private static bool Has(ref HeaderCopy headers, int length, int end) => end <= length && headers.Has(end);

    /// <summary>Sum of both addresses, the protocol and the length behind the IP header.</summary>
    private ushort PseudoHeader()
    {
        ulong sum = (ulong)(Protocol + (End - L4));
        (int at, int bytes) = IsIpv4 ? (L3 + 12, 8) : (L3 + 8, 32);
        for (int i = 0; i < bytes; i += 2)
            sum += _headers.Word(at + i);
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
