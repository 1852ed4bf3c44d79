namespace Netmap.Interop;

/// <summary>Constants of <c>net/netmap.h</c>, names verbatim.</summary>
[Abi("net/netmap.h")]
internal static class NetmapH
{
    public const int NETMAP_API = 14;
    public const int NETMAP_MIN_API = 14;
    public const int NETMAP_MAX_API = 15;
    public const int NM_CACHE_ALIGN = 128;
    public const int NETMAP_REQ_IFNAMSIZ = 64;
    public const int NETMAP_REQ_MAXSIZE = 4096;
    public const int NETMAP_MAX_FRAGS = 64;

    public const ushort NS_BUF_CHANGED = 0x0001;
    public const ushort NS_REPORT = 0x0002;
    public const ushort NS_FORWARD = 0x0004;
    public const ushort NS_NO_LEARN = 0x0008;
    public const ushort NS_INDIRECT = 0x0010;
    public const ushort NS_MOREFRAG = 0x0020;
    public const ushort NS_TXMON = 0x0040;
    public const int NS_PORT_SHIFT = 8;
    public const int NS_PORT_MASK = 0xff << NS_PORT_SHIFT;

    public const uint NR_TIMESTAMP = 0x0002;
    public const uint NR_FORWARD = 0x0004;
    public const uint NI_PRIV_MEM = 0x1;

    public const ulong NR_MONITOR_TX = 0x100;
    public const ulong NR_MONITOR_RX = 0x200;
    public const ulong NR_ZCOPY_MON = 0x400;
    public const ulong NR_EXCLUSIVE = 0x800;
    public const ulong NR_RX_RINGS_ONLY = 0x2000;
    public const ulong NR_TX_RINGS_ONLY = 0x4000;
    public const ulong NR_ACCEPT_VNET_HDR = 0x8000;
    public const ulong NR_DO_RX_POLL = 0x10000;
    public const ulong NR_NO_TX_POLL = 0x20000;

    public const uint NIOCGINFO = 0xC03C6991;
    public const uint NIOCREGIF = 0xC03C6992;
    public const uint NIOCTXSYNC = 0x6994;
    public const uint NIOCRXSYNC = 0x6995;
    public const uint NIOCCONFIG = 0xC1106996;
    public const uint NIOCCTRL = 0xC0586997;
}

/// <summary>Request types of <see cref="nmreq_header.nr_reqtype"/>.</summary>
[Abi("net/netmap.h")]
internal static class NetmapReq
{
    public const ushort NETMAP_REQ_REGISTER = 1;
    public const ushort NETMAP_REQ_PORT_INFO_GET = 2;
    public const ushort NETMAP_REQ_VALE_ATTACH = 3;
    public const ushort NETMAP_REQ_VALE_DETACH = 4;
    public const ushort NETMAP_REQ_VALE_LIST = 5;
    public const ushort NETMAP_REQ_PORT_HDR_SET = 6;
    public const ushort NETMAP_REQ_PORT_HDR_GET = 7;
    public const ushort NETMAP_REQ_VALE_NEWIF = 8;
    public const ushort NETMAP_REQ_VALE_DELIF = 9;
    public const ushort NETMAP_REQ_VALE_POLLING_ENABLE = 10;
    public const ushort NETMAP_REQ_VALE_POLLING_DISABLE = 11;
    public const ushort NETMAP_REQ_POOLS_INFO_GET = 12;
    public const ushort NETMAP_REQ_SYNC_KLOOP_START = 13;
    public const ushort NETMAP_REQ_SYNC_KLOOP_STOP = 14;
    public const ushort NETMAP_REQ_CSB_ENABLE = 15;

    public const uint NETMAP_REQ_OPT_EXTMEM = 1;
    public const uint NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS = 2;
    public const uint NETMAP_REQ_OPT_CSB = 3;
    public const uint NETMAP_REQ_OPT_SYNC_KLOOP_MODE = 4;
    public const uint NETMAP_REQ_OPT_OFFSETS = 5;
    public const uint NETMAP_REQ_OPT_MAX = 6;

    public const uint NR_REG_DEFAULT = 0;
    public const uint NR_REG_ALL_NIC = 1;
    public const uint NR_REG_SW = 2;
    public const uint NR_REG_NIC_SW = 3;
    public const uint NR_REG_ONE_NIC = 4;
    public const uint NR_REG_PIPE_MASTER = 5;
    public const uint NR_REG_PIPE_SLAVE = 6;
    public const uint NR_REG_NULL = 7;
    public const uint NR_REG_ONE_SW = 8;

    public const uint NETMAP_POLLING_MODE_SINGLE_CPU = 1;
    public const uint NETMAP_POLLING_MODE_MULTI_CPU = 2;
}

/// <summary>Constants of the interface before version 14 (<c>net/netmap_legacy.h</c>; ours are in <c>net/netmap.h</c>).</summary>
[Abi("net/netmap.h")]
internal static class NetmapLegacy
{
    public const ushort NETMAP_HW_RING = 0x4000;
    public const ushort NETMAP_SW_RING = 0x2000;
    public const ushort NETMAP_NO_TX_POLL = 0x1000;
    public const ushort NETMAP_DO_RX_POLL = 0x8000;
    public const ushort NETMAP_RING_MASK = 0x0fff;
    public const uint NR_REG_MASK = 0xf;

    public const ushort NETMAP_BDG_ATTACH = 1;
    public const ushort NETMAP_BDG_DETACH = 2;
    public const ushort NETMAP_BDG_REGOPS = 3;
    public const ushort NETMAP_BDG_LIST = 4;
    public const ushort NETMAP_BDG_VNET_HDR = 5;
    public const ushort NETMAP_BDG_NEWIF = 6;
    public const ushort NETMAP_BDG_DELIF = 7;
    public const ushort NETMAP_PT_HOST_CREATE = 8;
    public const ushort NETMAP_PT_HOST_DELETE = 9;
    public const ushort NETMAP_BDG_POLLING_ON = 10;
    public const ushort NETMAP_BDG_POLLING_OFF = 11;
    public const ushort NETMAP_VNET_HDR_GET = 12;
    public const ushort NETMAP_BDG_HOST = 1;
}
