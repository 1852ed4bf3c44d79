using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Names of <c>linux/virtio_net.h</c>.</summary>
[Abi("linux/virtio_net.h")]
internal static class LinuxVirtioNet
{
    public const byte VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
    public const byte VIRTIO_NET_HDR_F_DATA_VALID = 2;
    public const byte VIRTIO_NET_HDR_GSO_NONE = 0;
    public const byte VIRTIO_NET_HDR_GSO_TCPV4 = 1;
    public const byte VIRTIO_NET_HDR_GSO_UDP = 3;
    public const byte VIRTIO_NET_HDR_GSO_TCPV6 = 4;
    public const byte VIRTIO_NET_HDR_GSO_ECN = 0x80;
}

/// <summary>
/// What a packet socket (PACKET_VNET_HDR), or a port with a virtio-net header, puts before a frame. Offsets count from the
/// Ethernet header, without a stripped tag.
/// </summary>
[Abi("linux/virtio_net.h", Name = "struct virtio_net_hdr")]
[StructLayout(LayoutKind.Sequential)]
internal struct virtio_net_hdr
{
    public byte flags;
    public byte gso_type;
    public ushort hdr_len;
    public ushort gso_size;
    public ushort csum_start;
    public ushort csum_offset;
}
