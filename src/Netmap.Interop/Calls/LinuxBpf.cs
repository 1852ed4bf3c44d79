using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>linux/bpf.h</c> and bpf(2): the instruction set and the few commands this project uses.</summary>
[Abi("linux/bpf.h")]
internal static unsafe partial class LinuxBpf
{
    public const int BPF_PROG_LOAD = 5;
    public const int BPF_LINK_CREATE = 28;
    public const int BPF_LINK_UPDATE = 29;
    public const int BPF_PROG_TYPE_SCHED_CLS = 3;
    public const int BPF_PROG_TYPE_XDP = 6;
    public const int BPF_XDP = 37;
    public const int XDP_PASS = 2;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int BPF_F_BEFORE = 1 << 3;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int BPF_TCX_INGRESS = 46;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int TCX_NEXT = -1;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int TCX_DROP = 2;

    public const byte BPF_LD = 0x00;
    public const byte BPF_LDX = 0x01;
    public const byte BPF_ALU64 = 0x07;
    public const byte BPF_JMP = 0x05;
    public const byte BPF_W = 0x00;
    public const byte BPF_DW = 0x18;
    public const byte BPF_IMM = 0x00;
    public const byte BPF_MEM = 0x60;
    public const byte BPF_K = 0x00;
    public const byte BPF_X = 0x08;
    public const byte BPF_SUB = 0x10;
    public const byte BPF_AND = 0x50;
    public const byte BPF_LSH = 0x60;
    public const byte BPF_MOD = 0x90;
    public const byte BPF_MOV = 0xb0;
    public const byte BPF_JEQ = 0x10;
    public const byte BPF_JNE = 0x50;
    public const byte BPF_EXIT = 0x90;

    private static nint CallNumber => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;

    /// <summary>bpf(2). <paramref name="attributes"/> is a prefix of <c>union bpf_attr</c>.</summary>
    public static SysResult bpf(int command, void* attributes, uint size) =>
        SysResult.From(native_syscall(CallNumber, command, attributes, size));

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint native_syscall(nint number, nint command, void* attributes, nuint size);
}

/// <summary>The members of <c>struct __sk_buff</c> this project reads.</summary>
[Abi("linux/bpf.h", Name = "struct __sk_buff", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct __sk_buff
{
    public uint len;
    public uint pkt_type;
    public uint mark;
    public uint queue_mapping;
}

/// <summary>One instruction; the two register numbers share the second byte.</summary>
[NotAbi("bit fields: offsets cannot be asked for in C; size and use are tested against the kernel's verifier")]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_insn
{
    public byte code;
    public byte regs;
    public short off;
    public int imm;
}

/// <summary>BPF_PROG_LOAD's part of <c>union bpf_attr</c>.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct bpf_attr_prog_load
{
    public uint prog_type;
    public uint insn_cnt;
    public ulong insns;
    public ulong license;
    public uint log_level;
    public uint log_size;
    public ulong log_buf;
    public uint kern_version;
    public uint prog_flags;
    public fixed byte prog_name[16];
    public uint prog_ifindex;
    public uint expected_attach_type;
}

/// <summary>BPF_LINK_CREATE's part of <c>union bpf_attr</c>, as far as tcx needs it.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_link_create
{
    [Abi("linux/bpf.h", Name = "link_create.prog_fd")] public uint prog_fd;
    [Abi("linux/bpf.h", Name = "link_create.target_ifindex")] public uint target_ifindex;
    [Abi("linux/bpf.h", Name = "link_create.attach_type")] public uint attach_type;
    [Abi("linux/bpf.h", Name = "link_create.flags")] public uint flags;
}

/// <summary>BPF_LINK_UPDATE's part of <c>union bpf_attr</c>.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_link_update
{
    [Abi("linux/bpf.h", Name = "link_update.link_fd")] public uint link_fd;
    [Abi("linux/bpf.h", Name = "link_update.new_prog_fd")] public uint new_prog_fd;
    [Abi("linux/bpf.h", Name = "link_update.flags")] public uint flags;
    [Abi("linux/bpf.h", Name = "link_update.old_prog_fd")] public uint old_prog_fd;
}
