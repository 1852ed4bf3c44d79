using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap.Devices;

/// <summary>
/// Where the headers of a frame are, as far as what senders on this machine leave to hardware needs it: IPv4 or IPv6, what
/// follows, and what tunnels of known kinds carry. Fragments and IPv6 extension headers are not looked through: the kernel
/// itself completes those.
/// </summary>
internal readonly unsafe struct FrameLook
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

    private readonly byte* _frame;
    private readonly int _length;

    private FrameLook(byte* frame, int length, int l3, int l4, int end)
    {
        _frame = frame;
        (_length, L3, L4, End) = (Math.Min(length, end), l3, l4, end);
        Protocol = frame[l3 + (IsIpv4 ? 9 : 6)];
    }

    /// <summary>IPPROTO_*; 0 for what is not looked into.</summary>
    public byte Protocol { get; }

    /// <summary>Bytes of VLAN tags.</summary>
    public int Tags => L3 - LinuxIfEther.ETH_HLEN;

    /// <param name="frame">Its first bytes.</param>
    /// <param name="length">How many of them are here.</param>
    /// <param name="total">How many there are; 0 for no more.</param>
    public static FrameLook At(byte* frame, int length, int total = 0) => AtEthernet(frame, length, 0, Math.Max(length, total));

    public bool IsIpv4 => _frame[L3] >> 4 == 4;

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
            if (offset < 0 || _length < L4 + offset + (offset == SctpChecksum ? 4 : 2))
                return false;
            byte* found = _frame + L4 + offset;
            return offset == SctpChecksum ? Word(found) == 0 && Word(found + 2) == 0 : Word(found) == PseudoHeader();
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
    public bool CompleteChecksum() => Protocol != 0 && CompleteChecksum(Deepest);

    /// <summary>The look, this one or one further inside, whose checksum is lacking; its <see cref="Protocol"/> is 0 where none is.</summary>
    public FrameLook FindLacking()
    {
        FrameLook found = default;
        FrameLook look = this;
        for (int i = 0; i <= Deepest && look.Protocol != 0; i++, look = look.Carried)
            found = look.LacksChecksum ? look : found;
        return found;
    }

    private ushort UdpPort => Word(_frame + L4 + 2);

    private bool CompleteChecksum(int deepest)
    {
        bool inner = deepest > 0 && Carried is { Protocol: not 0 } carried && carried.CompleteChecksum(deepest - 1);
        return (LacksChecksum && InternetChecksum.Complete(new Span<byte>(_frame, _length), L4, ChecksumOffset)) || inner;
    }

    private FrameLook CarriedByUdp() => UdpPort switch
    {
        Vxlan or OldVxlan => AtEthernet(_frame, _length, L4 + UdpAndTunnel, End),
        Geneve when _length >= L4 + UdpAndTunnel => AtType(Word(_frame + L4 + 10), L4 + UdpAndTunnel + ((_frame[L4 + 8] & 0x3f) * 4)),
        _ => default,
    };

    /// <summary>Version 0, without routing: with checksum, key and number, or without.</summary>
    private FrameLook CarriedByGre()
    {
        byte flags = _frame[L4];
        int optional = (flags >> 7) + ((flags >> 5) & 1) + ((flags >> 4) & 1);
        return (flags & 0x4f) != 0 || _frame[L4 + 1] != 0 ? default : AtType(Word(_frame + L4 + 2), L4 + 4 + (4 * optional));
    }

    private FrameLook AtType(ushort type, int at) =>
        type == LinuxIfEther.ETH_P_TEB ? AtEthernet(_frame, _length, at, End) : AtIp(type, at);

    private FrameLook AtIp(ushort type, int at) => AtIp(type, _frame, _length, at, End);

    private static FrameLook AtEthernet(byte* frame, int length, int at, int total)
    {
        int l3 = at + LinuxIfEther.ETH_HLEN;
        ushort type = length >= l3 ? Word(frame + l3 - 2) : (ushort)0;
        while (type is LinuxIfEther.ETH_P_8021Q or LinuxIfEther.ETH_P_8021AD && length >= l3 + VlanTag)
        {
            l3 += VlanTag;
            type = Word(frame + l3 - 2);
        }
        return AtIp(type, frame, length, l3, total);
    }

    /// <summary>Both headers must be there, as far as they are read here: eight bytes of the second.</summary>
    private static FrameLook AtIp(ushort type, byte* frame, int length, int l3, int total)
    {
        byte* ip = frame + l3;
        int room = total - l3;
        if (type == LinuxIfEther.ETH_P_IP && length >= l3 + 28 && ip[0] >> 4 == 4)
        {
            int header = (ip[0] & 0xf) * 4;
            // A super-frame beyond 64 KB says 0.
            int packet = room > ushort.MaxValue && Word(ip + 2) == 0 ? room : Word(ip + 2);
            bool fragment = (Word(ip + 6) & 0x3fff) != 0;
            return fragment || header < 20 || packet < header + 8 || packet > room || length < l3 + header + 8 ? default
                : new(frame, length, l3, l3 + header, l3 + packet);
        }
        if (type != LinuxIfEther.ETH_P_IPV6 || length < l3 + 48 || ip[0] >> 4 != 6)
            return default;
        int payload = room > ushort.MaxValue && Word(ip + 4) == 0 ? room - 40 : Word(ip + 4);
        return payload < 8 || payload > room - 40 ? default : new(frame, length, l3, l3 + 40, l3 + 40 + payload);
    }

    /// <summary>Sum of both addresses, the protocol and the length behind the IP header.</summary>
    private ushort PseudoHeader()
    {
        ulong sum = (ulong)(Protocol + (End - L4));
        (int at, int bytes) = IsIpv4 ? (L3 + 12, 8) : (L3 + 8, 32);
        for (int i = 0; i < bytes; i += 4)
            sum += BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(_frame + at + i, 4));
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }

    private static ushort Word(byte* at) => BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(at, 2));
}
