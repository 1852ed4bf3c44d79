namespace Netmap.Interop;

/// <summary><c>linux/sockios.h</c>.</summary>
[Abi("linux/sockios.h")]
internal static class LinuxSockios
{
    public const uint SIOCGIFNAME = 0x8910;
    public const uint SIOCGIFFLAGS = 0x8913;
    public const uint SIOCSIFFLAGS = 0x8914;
    public const uint SIOCGIFMTU = 0x8921;
    public const uint SIOCGIFHWADDR = 0x8927;
    public const uint SIOCGIFINDEX = 0x8933;
    public const uint SIOCETHTOOL = 0x8946;
}
