using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Names of <c>linux/if_packet.h</c>, packet(7).</summary>
[Abi("linux/if_packet.h")]
internal static class LinuxIfPacket
{
    public const int PACKET_ADD_MEMBERSHIP = 1;
    public const int PACKET_RX_RING = 5;
    public const int PACKET_STATISTICS = 6;
    public const int PACKET_COPY_THRESH = 7;
    public const int PACKET_VERSION = 10;
    public const int PACKET_VNET_HDR = 15;
    public const int PACKET_FANOUT = 18;
    public const int PACKET_QDISC_BYPASS = 20;
    public const int PACKET_FANOUT_DATA = 22;
    public const int PACKET_IGNORE_OUTGOING = 23;
    public const int PACKET_FANOUT_CBPF = 6;
    public const int PACKET_FANOUT_FLAG_UNIQUEID = 0x2000;

    [Abi("linux/if_packet.h", Since = "6.2")]
    public const int PACKET_FANOUT_FLAG_IGNORE_OUTGOING = 0x4000;

    public const ushort PACKET_MR_PROMISC = 1;

    public const uint TP_STATUS_KERNEL = 0;
    public const uint TP_STATUS_USER = 1 << 0;
    public const uint TP_STATUS_COPY = 1 << 1;
    public const uint TP_STATUS_LOSING = 1 << 2;
    public const uint TP_STATUS_CSUMNOTREADY = 1 << 3;
    public const uint TP_STATUS_VLAN_VALID = 1 << 4;
    public const uint TP_STATUS_VLAN_TPID_VALID = 1 << 6;
    public const int TPACKET_V2 = 1;
    public const int TPACKET_V3 = 2;
}

/// <summary>Names of <c>linux/if_ether.h</c>.</summary>
[Abi("linux/if_ether.h")]
internal static class LinuxIfEther
{
    public const ushort ETH_P_ALL = 0x0003;
    public const ushort ETH_P_IP = 0x0800;
    public const ushort ETH_P_8021Q = 0x8100;
    public const ushort ETH_P_IPV6 = 0x86DD;
    public const ushort ETH_P_TEB = 0x6558;
    public const ushort ETH_P_8021AD = 0x88A8;
    public const ushort ETH_P_802_EX1 = 0x88B5;
    public const int ETH_HLEN = 14;
}

[Abi("linux/if_packet.h", Name = "struct sockaddr_ll")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sockaddr_ll
{
    public ushort sll_family;
    public ushort sll_protocol;
    public int sll_ifindex;
    public ushort sll_hatype;
    public byte sll_pkttype;
    public byte sll_halen;
    public fixed byte sll_addr[8];
}

[Abi("linux/if_packet.h", Name = "struct packet_mreq")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct packet_mreq
{
    public int mr_ifindex;
    public ushort mr_type;
    public ushort mr_alen;
    public fixed byte mr_address[8];
}

[Abi("linux/if_packet.h", Name = "struct tpacket_req")]
[StructLayout(LayoutKind.Sequential)]
internal struct tpacket_req
{
    public uint tp_block_size;
    public uint tp_block_nr;
    public uint tp_frame_size;
    public uint tp_frame_nr;
}

[Abi("linux/if_packet.h", Name = "struct tpacket2_hdr")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct tpacket2_hdr
{
    public uint tp_status;
    public uint tp_len;
    public uint tp_snaplen;
    public ushort tp_mac;
    public ushort tp_net;
    public uint tp_sec;
    public uint tp_nsec;
    public ushort tp_vlan_tci;
    public ushort tp_vlan_tpid;
    public fixed byte tp_padding[4];
}

[Abi("linux/if_packet.h", Name = "struct tpacket_stats")]
[StructLayout(LayoutKind.Sequential)]
internal struct tpacket_stats
{
    public uint tp_packets;
    public uint tp_drops;
}
