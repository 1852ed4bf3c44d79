using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Classic BPF: names of <c>linux/filter.h</c> and what it includes.</summary>
[Abi("linux/filter.h")]
internal static class LinuxFilter
{
    public const int BPF_LD = 0x00;
    public const int BPF_LDX = 0x01;
    public const int BPF_ST = 0x02;
    public const int BPF_STX = 0x03;
    public const int BPF_ALU = 0x04;
    public const int BPF_JMP = 0x05;
    public const int BPF_RET = 0x06;
    public const int BPF_MISC = 0x07;

    public const int BPF_W = 0x00;
    public const int BPF_H = 0x08;
    public const int BPF_B = 0x10;

    public const int BPF_IMM = 0x00;
    public const int BPF_ABS = 0x20;
    public const int BPF_IND = 0x40;
    public const int BPF_MEM = 0x60;
    public const int BPF_LEN = 0x80;
    public const int BPF_MSH = 0xa0;

    public const int BPF_ADD = 0x00;
    public const int BPF_SUB = 0x10;
    public const int BPF_MUL = 0x20;
    public const int BPF_DIV = 0x30;
    public const int BPF_OR = 0x40;
    public const int BPF_AND = 0x50;
    public const int BPF_LSH = 0x60;
    public const int BPF_RSH = 0x70;
    public const int BPF_NEG = 0x80;
    public const int BPF_MOD = 0x90;
    public const int BPF_XOR = 0xa0;

    public const int BPF_JA = 0x00;
    public const int BPF_JEQ = 0x10;
    public const int BPF_JGT = 0x20;
    public const int BPF_JGE = 0x30;
    public const int BPF_JSET = 0x40;

    public const int BPF_K = 0x00;
    public const int BPF_X = 0x08;
    public const int BPF_A = 0x10;
    public const int BPF_TAX = 0x00;
    public const int BPF_TXA = 0x80;

    public const int BPF_MEMWORDS = 16;
    public const int BPF_MAXINSNS = 4096;

    public const int SKF_AD_OFF = -0x1000;
    public const int SKF_AD_MARK = 20;
    public const int SKF_AD_QUEUE = 24;
    public const int SKF_AD_VLAN_TAG = 44;
    public const int SKF_AD_VLAN_TAG_PRESENT = 48;
    public const int SKF_AD_VLAN_TPID = 60;
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
