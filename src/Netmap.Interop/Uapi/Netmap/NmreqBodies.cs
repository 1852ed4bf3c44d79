using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Body of REGISTER (<c>net/netmap.h</c>, 56 bytes). Sizes in bytes.</summary>
[Abi("net/netmap.h", Name = "struct nmreq_register")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_register
{
    public ulong nr_offset;
    public ulong nr_memsize;
    public uint nr_tx_slots;
    public uint nr_rx_slots;
    public ushort nr_tx_rings;
    public ushort nr_rx_rings;
    public ushort nr_host_tx_rings;
    public ushort nr_host_rx_rings;
    public ushort nr_mem_id;
    public ushort nr_ringid;
    public uint nr_mode;
    public uint nr_extra_bufs;
    public ulong nr_flags;
}

/// <summary>Body of PORT_INFO_GET (<c>net/netmap.h</c>, 32 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nmreq_port_info_get")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmreq_port_info_get
{
    public ulong nr_memsize;
    public uint nr_tx_slots;
    public uint nr_rx_slots;
    public ushort nr_tx_rings;
    public ushort nr_rx_rings;
    public ushort nr_host_tx_rings;
    public ushort nr_host_rx_rings;
    public ushort nr_mem_id;
    public fixed ushort pad[3];
}

[Abi("net/netmap.h", Name = "struct nmreq_vale_attach")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_vale_attach
{
    public nmreq_register reg;
    public uint port_index;
    public uint pad1;
}

[Abi("net/netmap.h", Name = "struct nmreq_vale_detach")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_vale_detach
{
    public uint port_index;
    public uint pad1;
}

[Abi("net/netmap.h", Name = "struct nmreq_vale_list")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_vale_list
{
    public ushort nr_bridge_idx;
    public ushort pad1;
    public uint nr_port_idx;
}

[Abi("net/netmap.h", Name = "struct nmreq_port_hdr")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_port_hdr
{
    public uint nr_hdr_len;
    public uint pad1;
}

[Abi("net/netmap.h", Name = "struct nmreq_vale_newif")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_vale_newif
{
    public uint nr_tx_slots;
    public uint nr_rx_slots;
    public ushort nr_tx_rings;
    public ushort nr_rx_rings;
    public ushort nr_mem_id;
    public ushort pad1;
}

[Abi("net/netmap.h", Name = "struct nmreq_vale_polling")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_vale_polling
{
    public uint nr_mode;
    public uint nr_first_cpu_id;
    public uint nr_num_polling_cpus;
    public uint pad1;
}

/// <summary>Body of POOLS_INFO_GET, and geometry of external memory (<c>net/netmap.h</c>, 64 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nmreq_pools_info")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmreq_pools_info
{
    public ulong nr_memsize;
    public ushort nr_mem_id;
    public fixed ushort pad1[3];
    public ulong nr_if_pool_offset;
    public uint nr_if_pool_objtotal;
    public uint nr_if_pool_objsize;
    public ulong nr_ring_pool_offset;
    public uint nr_ring_pool_objtotal;
    public uint nr_ring_pool_objsize;
    public ulong nr_buf_pool_offset;
    public uint nr_buf_pool_objtotal;
    public uint nr_buf_pool_objsize;
}

[Abi("net/netmap.h", Name = "struct nmreq_sync_kloop_start")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_sync_kloop_start
{
    public uint sleep_us;
    public uint pad1;
}
