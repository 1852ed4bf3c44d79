namespace Netmap.Interop;

/// <summary>Names of <c>linux/in.h</c>.</summary>
[Abi("linux/in.h")]
internal static class LinuxIn
{
    public const byte IPPROTO_IPIP = 4;
    public const byte IPPROTO_TCP = 6;
    public const byte IPPROTO_UDP = 17;
    public const byte IPPROTO_IPV6 = 41;
    public const byte IPPROTO_GRE = 47;
    public const byte IPPROTO_SCTP = 132;
}
