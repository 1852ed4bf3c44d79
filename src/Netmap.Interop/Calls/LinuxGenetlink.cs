using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Names of <c>linux/genetlink.h</c>.</summary>
[Abi("linux/genetlink.h")]
internal static class LinuxGenetlink
{
    public const ushort GENL_ID_CTRL = 0x10;
    public const byte CTRL_CMD_GETFAMILY = 3;
    public const ushort CTRL_ATTR_FAMILY_ID = 1;
    public const ushort CTRL_ATTR_FAMILY_NAME = 2;
}

[Abi("linux/genetlink.h", Name = "struct genlmsghdr")]
[StructLayout(LayoutKind.Sequential)]
internal struct genlmsghdr
{
    public byte cmd;
    public byte version;
    public ushort reserved;
}

/// <summary>Names of <c>linux/netdev.h</c>, what the generic netlink family <c>netdev</c> tells about interfaces.</summary>
[NotAbi("a header of Linux 6.3; source: Documentation/netlink/specs/netdev.yaml")]
internal static class LinuxNetdev
{
    public const string NETDEV_FAMILY_NAME = "netdev";
    public const byte NETDEV_CMD_DEV_GET = 1;
    public const ushort NETDEV_A_DEV_IFINDEX = 1;
    public const ushort NETDEV_A_DEV_XDP_FEATURES = 3;
    public const ulong NETDEV_XDP_ACT_BASIC = 1;
    public const ulong NETDEV_XDP_ACT_REDIRECT = 2;
    public const ulong NETDEV_XDP_ACT_NDO_XMIT = 4;
    public const ulong NETDEV_XDP_ACT_XSK_ZEROCOPY = 8;
}
