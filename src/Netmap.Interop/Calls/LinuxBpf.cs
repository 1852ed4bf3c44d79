using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>linux/bpf.h</c> and bpf(2): commands, types and flags.</summary>
[Abi("linux/bpf.h")]
internal static unsafe partial class LinuxBpf
{
    public const int BPF_MAP_CREATE = 0;
    public const int BPF_MAP_LOOKUP_ELEM = 1;
    public const int BPF_MAP_UPDATE_ELEM = 2;
    public const int BPF_MAP_DELETE_ELEM = 3;
    public const int BPF_PROG_LOAD = 5;
    public const int BPF_PROG_TEST_RUN = 10;
    public const int BPF_PROG_GET_NEXT_ID = 11;
    public const int BPF_MAP_GET_NEXT_ID = 12;
    public const int BPF_PROG_GET_FD_BY_ID = 13;
    public const int BPF_OBJ_GET_INFO_BY_FD = 15;
    public const int BPF_RAW_TRACEPOINT_OPEN = 17;
    public const int BPF_LINK_CREATE = 28;
    public const int BPF_LINK_UPDATE = 29;
    public const int BPF_LINK_GET_FD_BY_ID = 30;
    public const int BPF_LINK_GET_NEXT_ID = 31;

    public const int BPF_PROG_TYPE_SCHED_CLS = 3;
    public const int BPF_PROG_TYPE_XDP = 6;
    public const int BPF_PROG_TYPE_RAW_TRACEPOINT = 17;
    public const int BPF_XDP = 37;

    public const int BPF_MAP_TYPE_HASH = 1;
    public const int BPF_MAP_TYPE_ARRAY = 2;
    public const int BPF_MAP_TYPE_PERCPU_ARRAY = 6;
    public const int BPF_MAP_TYPE_DEVMAP = 14;
    public const int BPF_MAP_TYPE_CPUMAP = 16;
    public const int BPF_MAP_TYPE_XSKMAP = 17;
    public const int BPF_MAP_TYPE_RINGBUF = 27;

    public const int BPF_ANY = 0;
    public const uint BPF_F_MMAPABLE = 1 << 10;
    public const uint BPF_F_XDP_HAS_FRAGS = 1 << 5;

    [Abi("linux/bpf.h", Since = "6.3")]
    public const uint BPF_F_XDP_DEV_BOUND_ONLY = 1 << 6;

    public const uint BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;
    public const uint BPF_RINGBUF_BUSY_BIT = 1u << 31;
    public const uint BPF_RINGBUF_DISCARD_BIT = 1u << 30;
    public const int BPF_RINGBUF_HDR_SZ = 8;

    public const int XDP_ABORTED = 0;
    public const int XDP_DROP = 1;
    public const int XDP_PASS = 2;
    public const int XDP_TX = 3;
    public const int XDP_REDIRECT = 4;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int BPF_F_BEFORE = 1 << 3;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int BPF_TCX_INGRESS = 46;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int BPF_TCX_EGRESS = 47;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int TCX_NEXT = -1;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int TCX_PASS = 0;

    [Abi("linux/bpf.h", Since = "6.6")]
    public const int TCX_DROP = 2;

    public const int BPF_F_INGRESS = 1 << 0;

    private static nint CallNumber => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;

    /// <summary>bpf(2). <paramref name="attributes"/> is a prefix of <c>union bpf_attr</c>.</summary>
    public static SysResult bpf(int command, void* attributes, uint size) =>
        SysResult.From(native_syscall(CallNumber, command, attributes, size));

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint native_syscall(nint number, nint command, void* attributes, nuint size);
}
