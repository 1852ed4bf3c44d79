using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Classic BPF: names of <c>linux/filter.h</c> and what it includes.</summary>
[Abi("linux/filter.h")]
internal static class LinuxFilter
{
    public const int BPF_LD = 0x00;
    public const int BPF_ALU = 0x04;
    public const int BPF_JMP = 0x05;
    public const int BPF_RET = 0x06;
    public const int BPF_W = 0x00;
    public const int BPF_ABS = 0x20;
    public const int BPF_SUB = 0x10;
    public const int BPF_JEQ = 0x10;
    public const int BPF_K = 0x00;
    public const int BPF_A = 0x10;
    public const int SKF_AD_OFF = -0x1000;
    public const int SKF_AD_MARK = 20;
    public const int SKF_AD_QUEUE = 24;
}

/// <summary>Socket options of <c>asm/socket.h</c>.</summary>
[Abi("asm/socket.h")]
internal static class AsmSocket
{
    public const int SO_ATTACH_FILTER = 26;
    public const int SO_MARK = 36;
}

[Abi("linux/filter.h", Name = "struct sock_filter")]
[StructLayout(LayoutKind.Sequential)]
internal struct sock_filter(int code, byte jt, byte jf, uint k)
{
    public ushort code = (ushort)code;
    public byte jt = jt;
    public byte jf = jf;
    public uint k = k;
}

[Abi("linux/filter.h", Name = "struct sock_fprog")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sock_fprog
{
    public ushort len;
    public sock_filter* filter;
}
