using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>net/if.h</c>.</summary>
[Abi("net/if.h")]
internal static class NetIf
{
    public const int IFNAMSIZ = 16;
    public const int IFF_UP = 0x1;
    public const int IFF_BROADCAST = 0x2;
    public const int IFF_LOOPBACK = 0x8;
    public const int IFF_RUNNING = 0x40;
    public const int IFF_NOARP = 0x80;
    public const int IFF_PROMISC = 0x100;
}

/// <summary>Argument of the interface ioctls, netdevice(7); the members after the name share one union.</summary>
[Abi("net/if.h", Name = "struct ifreq")]
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct ifreq
{
    [FieldOffset(0)]
    public fixed byte ifr_name[NetIf.IFNAMSIZ];

    [FieldOffset(16)]
    public fixed byte ifr_newname[NetIf.IFNAMSIZ];

    [FieldOffset(16)]
    public sockaddr ifr_hwaddr;

    [FieldOffset(16)]
    public short ifr_flags;

    [FieldOffset(16)]
    public int ifr_ifindex;

    [FieldOffset(16)]
    public int ifr_mtu;

    [FieldOffset(16)]
    public void* ifr_data;
}
