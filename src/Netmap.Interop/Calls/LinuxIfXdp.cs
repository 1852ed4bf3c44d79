using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Names of <c>linux/if_xdp.h</c>.</summary>
[Abi("linux/if_xdp.h")]
internal static class LinuxIfXdp
{
    public const ushort XDP_SHARED_UMEM = 1 << 0;
    public const ushort XDP_COPY = 1 << 1;
    public const ushort XDP_ZEROCOPY = 1 << 2;
    public const ushort XDP_USE_NEED_WAKEUP = 1 << 3;

    [Abi("linux/if_xdp.h", Since = "6.6")]
    public const ushort XDP_USE_SG = 1 << 4;

    public const uint XDP_UMEM_UNALIGNED_CHUNK_FLAG = 1 << 0;
    public const uint XDP_RING_NEED_WAKEUP = 1 << 0;
    public const uint XDP_OPTIONS_ZEROCOPY = 1 << 0;

    [Abi("linux/if_xdp.h", Since = "6.6")]
    public const uint XDP_PKT_CONTD = 1 << 0;

    public const int XSK_UNALIGNED_BUF_OFFSET_SHIFT = 48;
    public const int XDP_MMAP_OFFSETS = 1;
    public const int XDP_RX_RING = 2;
    public const int XDP_TX_RING = 3;
    public const int XDP_UMEM_REG = 4;
    public const int XDP_UMEM_FILL_RING = 5;
    public const int XDP_UMEM_COMPLETION_RING = 6;
    public const int XDP_STATISTICS = 7;
    public const int XDP_OPTIONS = 8;

    [Abi("linux/if_xdp.h", Since = "6.17")]
    public const int XDP_MAX_TX_SKB_BUDGET = 9;

    public const long XDP_PGOFF_RX_RING = 0;
    public const long XDP_PGOFF_TX_RING = 0x80000000;
    public const long XDP_UMEM_PGOFF_FILL_RING = 0x100000000;
    public const long XDP_UMEM_PGOFF_COMPLETION_RING = 0x180000000;
}

/// <summary>Address family and option level of XDP sockets (<c>sys/socket.h</c>, kernel side).</summary>
[Abi("sys/socket.h")]
internal static class SysSocketXdp
{
    public const int AF_XDP = 44;
    public const int SOL_XDP = 283;
}

[Abi("linux/if_xdp.h", Name = "struct sockaddr_xdp")]
[StructLayout(LayoutKind.Sequential)]
internal struct sockaddr_xdp
{
    public ushort sxdp_family;
    public ushort sxdp_flags;
    public uint sxdp_ifindex;
    public uint sxdp_queue_id;
    public uint sxdp_shared_umem_fd;
}

[Abi("linux/if_xdp.h", Name = "struct xdp_umem_reg")]
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct xdp_umem_reg
{
    public ulong addr;
    public ulong len;
    public uint chunk_size;
    public uint headroom;
    public uint flags;
}

[Abi("linux/if_xdp.h", Name = "struct xdp_ring_offset")]
[StructLayout(LayoutKind.Sequential)]
internal struct xdp_ring_offset
{
    public ulong producer;
    public ulong consumer;
    public ulong desc;
    public ulong flags;
}

[Abi("linux/if_xdp.h", Name = "struct xdp_mmap_offsets")]
[StructLayout(LayoutKind.Sequential)]
internal struct xdp_mmap_offsets
{
    public xdp_ring_offset rx;
    public xdp_ring_offset tx;
    public xdp_ring_offset fr;
    public xdp_ring_offset cr;
}

[Abi("linux/if_xdp.h", Name = "struct xdp_desc")]
[StructLayout(LayoutKind.Sequential)]
internal struct xdp_desc
{
    public ulong addr;
    public uint len;
    public uint options;
}

[Abi("linux/if_xdp.h", Name = "struct xdp_statistics")]
[StructLayout(LayoutKind.Sequential)]
internal struct xdp_statistics
{
    public ulong rx_dropped;
    public ulong rx_invalid_descs;
    public ulong tx_invalid_descs;
    public ulong rx_ring_full;
    public ulong rx_fill_ring_empty_descs;
    public ulong tx_ring_empty_descs;
}

[Abi("linux/if_xdp.h", Name = "struct xdp_options")]
[StructLayout(LayoutKind.Sequential)]
internal struct xdp_options
{
    public uint flags;
}
