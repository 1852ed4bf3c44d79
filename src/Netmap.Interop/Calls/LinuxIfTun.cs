namespace Netmap.Interop;

/// <summary>Names of <c>linux/if_tun.h</c>.</summary>
[Abi("linux/if_tun.h")]
internal static class LinuxIfTun
{
    public const uint TUNSETIFF = 0x400454ca;
    public const short IFF_TAP = 0x0002;
    public const short IFF_NO_PI = 0x1000;
    public const short IFF_MULTI_QUEUE = 0x0100;
}
