using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>What the application tells the sync loop (<c>net/netmap.h</c>, 64 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nm_csb_atok")]
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct nm_csb_atok
{
    public uint head;
    public uint cur;
    public uint appl_need_kick;
    public uint sync_flags;
}

/// <summary>What the sync loop tells the application (<c>net/netmap.h</c>, 64 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nm_csb_ktoa")]
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct nm_csb_ktoa
{
    public uint hwcur;
    public uint hwtail;
    public uint kern_need_kick;
}

[Abi("net/netmap.h", Name = "struct nmreq_opt_extmem")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_opt_extmem
{
    public nmreq_option nro_opt;
    public ulong nro_usrptr;
    public nmreq_pools_info nro_info;
}

[Abi("net/netmap.h", Name = "struct nmreq_opt_csb")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_opt_csb
{
    public nmreq_option nro_opt;
    public ulong csb_atok;
    public ulong csb_ktoa;
}

/// <summary>Header of the option; pairs of eventfds (ioeventfd, irqfd; int each) follow at byte 24.</summary>
[Abi("net/netmap.h", Name = "struct nmreq_opt_sync_kloop_eventfds")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_opt_sync_kloop_eventfds
{
    public nmreq_option nro_opt;
}

[Abi("net/netmap.h", Name = "struct nmreq_opt_sync_kloop_mode")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_opt_sync_kloop_mode
{
    public nmreq_option nro_opt;
    public uint mode;
}

[Abi("net/netmap.h", Name = "struct nmreq_opt_offsets")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_opt_offsets
{
    public nmreq_option nro_opt;
    public ulong nro_max_offset;
    public ulong nro_initial_offset;
    public uint nro_offset_bits;
    public uint nro_tx_align;
    public ulong nro_min_gap;
}
