using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>BPF_MAP_CREATE's part of <c>union bpf_attr</c>.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct bpf_attr_map_create
{
    public uint map_type;
    public uint key_size;
    public uint value_size;
    public uint max_entries;
    public uint map_flags;
    public uint inner_map_fd;
    public uint numa_node;
    public fixed byte map_name[16];
}

/// <summary>The part of <c>union bpf_attr</c> that BPF_MAP_*_ELEM use.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_map_elem
{
    public uint map_fd;
    public ulong key;
    public ulong value;
    public ulong flags;
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

/// <summary>BPF_PROG_TEST_RUN's part of <c>union bpf_attr</c>.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_test_run
{
    [Abi("linux/bpf.h", Name = "test.prog_fd")] public uint prog_fd;
    [Abi("linux/bpf.h", Name = "test.retval")] public uint retval;
    [Abi("linux/bpf.h", Name = "test.data_size_in")] public uint data_size_in;
    [Abi("linux/bpf.h", Name = "test.data_size_out")] public uint data_size_out;
    [Abi("linux/bpf.h", Name = "test.data_in")] public ulong data_in;
    [Abi("linux/bpf.h", Name = "test.data_out")] public ulong data_out;
    [Abi("linux/bpf.h", Name = "test.repeat")] public uint repeat;
    [Abi("linux/bpf.h", Name = "test.duration")] public uint duration;
    [Abi("linux/bpf.h", Name = "test.ctx_size_in")] public uint ctx_size_in;
    [Abi("linux/bpf.h", Name = "test.ctx_size_out")] public uint ctx_size_out;
    [Abi("linux/bpf.h", Name = "test.ctx_in")] public ulong ctx_in;
    [Abi("linux/bpf.h", Name = "test.ctx_out")] public ulong ctx_out;
    [Abi("linux/bpf.h", Name = "test.flags")] public uint flags;
    [Abi("linux/bpf.h", Name = "test.cpu")] public uint cpu;
    [Abi("linux/bpf.h", Name = "test.batch_size")] public uint batch_size;
}

/// <summary>The part of <c>union bpf_attr</c> that BPF_*_GET_FD_BY_ID and BPF_*_GET_NEXT_ID use.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_id
{
    [Abi("linux/bpf.h", Name = "prog_id")] public uint id;
    public uint next_id;
    public uint open_flags;
}

/// <summary>BPF_OBJ_GET_INFO_BY_FD's part of <c>union bpf_attr</c>.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_info
{
    [Abi("linux/bpf.h", Name = "info.bpf_fd")] public uint bpf_fd;
    [Abi("linux/bpf.h", Name = "info.info_len")] public uint info_len;
    [Abi("linux/bpf.h", Name = "info.info")] public ulong info;
}

/// <summary>BPF_RAW_TRACEPOINT_OPEN's part of <c>union bpf_attr</c>.</summary>
[Abi("linux/bpf.h", Name = "union bpf_attr", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_raw_tracepoint
{
    [Abi("linux/bpf.h", Name = "raw_tracepoint.name")] public ulong name;
    [Abi("linux/bpf.h", Name = "raw_tracepoint.prog_fd")] public uint prog_fd;
}

/// <summary>What the kernel says about a map, as far as this project asks.</summary>
[Abi("linux/bpf.h", Name = "struct bpf_map_info", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_map_info
{
    public uint type;
    public uint id;
}

/// <summary>What the kernel says about a program, as far as this project asks.</summary>
[Abi("linux/bpf.h", Name = "struct bpf_prog_info", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct bpf_prog_info
{
    public uint type;
    public uint id;
    public fixed byte tag[8];
    public uint jited_prog_len;
    public uint xlated_prog_len;
    public ulong jited_prog_insns;
    public ulong xlated_prog_insns;
    public ulong load_time;
    public uint created_by_uid;
    public uint nr_map_ids;
    public ulong map_ids;
    public fixed byte name[16];
}

/// <summary>What the kernel says about a link, as far as this project asks.</summary>
[Abi("linux/bpf.h", Name = "struct bpf_link_info", Prefix = true)]
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_link_info
{
    public uint type;
    public uint id;
    public uint prog_id;
}

/// <summary>BPF_LINK_CREATE's part of <c>union bpf_attr</c>, as far as interfaces need it.</summary>
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
