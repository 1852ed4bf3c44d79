using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>The parts of an instruction's code byte, and the source registers with a special meaning.</summary>
internal static unsafe partial class LinuxBpf
{
    public const byte BPF_LD = 0x00;
    public const byte BPF_LDX = 0x01;
    public const byte BPF_ST = 0x02;
    public const byte BPF_STX = 0x03;
    public const byte BPF_ALU = 0x04;
    public const byte BPF_JMP = 0x05;
    public const byte BPF_JMP32 = 0x06;
    public const byte BPF_ALU64 = 0x07;

    public const byte BPF_W = 0x00;
    public const byte BPF_H = 0x08;
    public const byte BPF_B = 0x10;
    public const byte BPF_DW = 0x18;
    public const byte BPF_IMM = 0x00;
    public const byte BPF_MEM = 0x60;
    public const byte BPF_ATOMIC = 0xc0;
    public const byte BPF_K = 0x00;
    public const byte BPF_X = 0x08;

    public const byte BPF_ADD = 0x00;
    public const byte BPF_SUB = 0x10;
    public const byte BPF_MUL = 0x20;
    public const byte BPF_DIV = 0x30;
    public const byte BPF_OR = 0x40;
    public const byte BPF_AND = 0x50;
    public const byte BPF_LSH = 0x60;
    public const byte BPF_RSH = 0x70;
    public const byte BPF_NEG = 0x80;
    public const byte BPF_MOD = 0x90;
    public const byte BPF_XOR = 0xa0;
    public const byte BPF_MOV = 0xb0;
    public const byte BPF_ARSH = 0xc0;
    public const byte BPF_END = 0xd0;
    public const byte BPF_TO_BE = 0x08;

    public const byte BPF_JA = 0x00;
    public const byte BPF_JEQ = 0x10;
    public const byte BPF_JGT = 0x20;
    public const byte BPF_JGE = 0x30;
    public const byte BPF_JSET = 0x40;
    public const byte BPF_JNE = 0x50;
    public const byte BPF_JSGT = 0x60;
    public const byte BPF_JSGE = 0x70;
    public const byte BPF_CALL = 0x80;
    public const byte BPF_EXIT = 0x90;
    public const byte BPF_JLT = 0xa0;
    public const byte BPF_JLE = 0xb0;
    public const byte BPF_JSLT = 0xc0;
    public const byte BPF_JSLE = 0xd0;

    public const byte BPF_FETCH = 0x01;
    public const byte BPF_XCHG = 0xe0 | BPF_FETCH;
    public const byte BPF_CMPXCHG = 0xf0 | BPF_FETCH;

    public const byte BPF_PSEUDO_MAP_FD = 1;
    public const byte BPF_PSEUDO_MAP_VALUE = 2;
    public const byte BPF_PSEUDO_KFUNC_CALL = 2;
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

/// <summary>Helpers programs may call; only programs under a licence compatible with the GPL may call probe_read_kernel.</summary>
[Abi("linux/bpf.h")]
internal enum BpfFunc
{
    BPF_FUNC_map_lookup_elem = 1,
    BPF_FUNC_map_update_elem = 2,
    BPF_FUNC_get_smp_processor_id = 8,
    BPF_FUNC_skb_store_bytes = 9,
    BPF_FUNC_skb_vlan_push = 18,
    BPF_FUNC_redirect = 23,
    BPF_FUNC_skb_load_bytes = 26,
    BPF_FUNC_get_hash_recalc = 34,
    BPF_FUNC_skb_change_head = 43,
    BPF_FUNC_xdp_adjust_head = 44,
    BPF_FUNC_redirect_map = 51,
    BPF_FUNC_xdp_adjust_tail = 65,
    BPF_FUNC_probe_read_kernel = 113,
    BPF_FUNC_ringbuf_reserve = 131,
    BPF_FUNC_ringbuf_submit = 132,
    BPF_FUNC_ringbuf_discard = 133,
    BPF_FUNC_ringbuf_query = 134,
    BPF_FUNC_loop = 181,
    BPF_FUNC_xdp_get_buff_len = 188,
    BPF_FUNC_xdp_load_bytes = 189,
    BPF_FUNC_xdp_store_bytes = 190,
}

/// <summary>The members of <c>struct __sk_buff</c> this project reads.</summary>
[Abi("linux/bpf.h", Name = "struct __sk_buff", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct __sk_buff
{
    public uint len;
    public uint pkt_type;
    public uint mark;
    public uint queue_mapping;
    public uint protocol;
    public uint vlan_present;
    public uint vlan_tci;
    public uint vlan_proto;
    public uint priority;
    public uint ingress_ifindex;
    public uint ifindex;
    public uint tc_index;
    public fixed uint cb[5];
    public uint hash;
    public uint tc_classid;
    public uint data;
    public uint data_end;
    public uint napi_id;
    public uint family;
    public uint remote_ip4;
    public uint local_ip4;
    public fixed uint remote_ip6[4];
    public fixed uint local_ip6[4];
    public uint remote_port;
    public uint local_port;
    public uint data_meta;
    public ulong flow_keys;
    public ulong tstamp;
    public uint wire_len;
    public uint gso_segs;
    public ulong sk;
    public uint gso_size;
}

/// <summary>What an XDP program gets.</summary>
[Abi("linux/bpf.h", Name = "struct xdp_md")]
[StructLayout(LayoutKind.Sequential)]
internal struct xdp_md
{
    public uint data;
    public uint data_end;
    public uint data_meta;
    public uint ingress_ifindex;
    public uint rx_queue_index;
    public uint egress_ifindex;
}
