using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Names of <c>linux/sockios.h</c>.</summary>
[Abi("linux/sockios.h")]
internal static class LinuxSockios
{
    public const uint SIOCGIFNAME = 0x8910;
    public const uint SIOCGIFFLAGS = 0x8913;
    public const uint SIOCGIFMTU = 0x8921;
    public const uint SIOCGIFHWADDR = 0x8927;
    public const uint SIOCGIFINDEX = 0x8933;
    public const uint SIOCETHTOOL = 0x8946;
}

/// <summary>Names of <c>linux/ethtool.h</c>.</summary>
[Abi("linux/ethtool.h")]
internal static class LinuxEthtool
{
    public const uint ETHTOOL_GDRVINFO = 0x03;
    public const uint ETHTOOL_GLINK = 0x0a;
    public const uint ETHTOOL_GRINGPARAM = 0x10;
    public const uint ETHTOOL_STXCSUM = 0x17;
    public const uint ETHTOOL_GSTRINGS = 0x1b;
    public const uint ETHTOOL_STSO = 0x1f;
    public const uint ETHTOOL_SGSO = 0x24;
    public const uint ETHTOOL_GTXCSUM = 0x16;
    public const uint ETHTOOL_GTSO = 0x1e;
    public const uint ETHTOOL_GGSO = 0x23;
    public const uint ETHTOOL_GGRO = 0x2b;
    public const uint ETHTOOL_GFLAGS = 0x25;
    public const uint ETHTOOL_SFLAGS = 0x26;
    public const uint ETHTOOL_SGRO = 0x2c;
    public const uint ETHTOOL_GSSET_INFO = 0x37;
    public const uint ETHTOOL_GFEATURES = 0x3a;
    public const uint ETHTOOL_GCHANNELS = 0x3c;
    public const uint ETH_SS_FEATURES = 4;
    public const int ETH_GSTRING_LEN = 32;
    public const uint ETH_FLAG_TXVLAN = 1 << 7;
    public const uint ETH_FLAG_RXVLAN = 1 << 8;
}

/// <summary>Names of <c>linux/if.h</c>.</summary>
[Abi("linux/if.h")]
internal static class LinuxIf
{
    public const int IFNAMSIZ = 16;
    public const uint IFF_UP = 1;
    public const uint IFF_PROMISC = 0x100;
}

/// <summary>The members of <c>struct ifreq</c> this project uses, over one another as in C.</summary>
[Abi("linux/if.h", Name = "struct ifreq")]
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct ifreq
{
    [FieldOffset(0)] public fixed byte ifr_name[16];
    [FieldOffset(16)] public short ifr_flags;
    [FieldOffset(16)] public int ifr_ifindex;
    [FieldOffset(16)] public int ifr_mtu;
    [FieldOffset(16)] public void* ifr_data;
    [FieldOffset(16)] public sockaddr ifr_hwaddr;
}

[Abi("sys/socket.h", Name = "struct sockaddr")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sockaddr
{
    public ushort sa_family;
    public fixed byte sa_data[14];
}

[Abi("linux/ethtool.h", Name = "struct ethtool_drvinfo")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ethtool_drvinfo
{
    public uint cmd;
    public fixed byte driver[32];
    public fixed byte version[32];
    public fixed byte fw_version[32];
    public fixed byte bus_info[32];
    public fixed byte erom_version[32];
    public fixed byte reserved2[12];
    public uint n_priv_flags;
    public uint n_stats;
    public uint testinfo_len;
    public uint eedump_len;
    public uint regdump_len;
}

[Abi("linux/ethtool.h", Name = "struct ethtool_ringparam")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_ringparam
{
    public uint cmd;
    public uint rx_max_pending;
    public uint rx_mini_max_pending;
    public uint rx_jumbo_max_pending;
    public uint tx_max_pending;
    public uint rx_pending;
    public uint rx_mini_pending;
    public uint rx_jumbo_pending;
    public uint tx_pending;
}

[Abi("linux/ethtool.h", Name = "struct ethtool_channels")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_channels
{
    public uint cmd;
    public uint max_rx;
    public uint max_tx;
    public uint max_other;
    public uint max_combined;
    public uint rx_count;
    public uint tx_count;
    public uint other_count;
    public uint combined_count;
}

[Abi("linux/ethtool.h", Name = "struct ethtool_value")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_value
{
    public uint cmd;
    public uint data;
}

/// <summary>An array of counts follows, one for each bit of the mask.</summary>
[Abi("linux/ethtool.h", Name = "struct ethtool_sset_info")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_sset_info
{
    public uint cmd;
    public uint reserved;
    public ulong sset_mask;
}

/// <summary>The strings follow, of <see cref="LinuxEthtool.ETH_GSTRING_LEN"/> bytes each.</summary>
[Abi("linux/ethtool.h", Name = "struct ethtool_gstrings")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_gstrings
{
    public uint cmd;
    public uint string_set;
    public uint len;
}

/// <summary>Blocks follow.</summary>
[Abi("linux/ethtool.h", Name = "struct ethtool_gfeatures")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_gfeatures
{
    public uint cmd;
    public uint size;
}

/// <summary>32 features.</summary>
[Abi("linux/ethtool.h", Name = "struct ethtool_get_features_block")]
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_get_features_block
{
    public uint available;
    public uint requested;
    public uint active;
    public uint never_changed;
}
