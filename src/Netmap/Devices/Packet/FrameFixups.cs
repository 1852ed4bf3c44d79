using System.Buffers.Binary;
using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>Undoes what offloading did to a frame before a packet socket sees it.</summary>
internal static unsafe class FrameFixups
{
    private const int Addresses = 12;
    private const int TagBytes = 4;

    /// <summary>What the MTU is compared with: a VLAN tag does not count.</summary>
    public static int UntaggedLength(Mbuf frame) => frame.Length > Addresses + TagBytes
        && BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(frame.Data + Addresses, 2)) is 0x8100 or 0x88a8
        ? frame.Length - TagBytes
        : frame.Length;

    /// <summary>Puts the header before a frame that has got its tag back; places count from the Ethernet header on.</summary>
    public static void MoveVnetHeader(Mbuf mbuf, virtio_net_hdr header)
    {
        if ((header.flags & LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
            header.csum_start += TagBytes;
        if (header.gso_type != LinuxVirtioNet.VIRTIO_NET_HDR_GSO_NONE)
            header.hdr_len += TagBytes;
        *(virtio_net_hdr*)(mbuf.Data - sizeof(virtio_net_hdr)) = header;
    }

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
}
