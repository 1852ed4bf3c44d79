using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Argument of NIOCCTRL (<c>net/netmap.h</c>, 88 bytes). Options and body are addresses in the caller's memory.</summary>
[Abi("net/netmap.h", Name = "struct nmreq_header")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmreq_header
{
    public ushort nr_version;
    public ushort nr_reqtype;
    public uint nr_reserved;
    public fixed byte nr_name[NetmapH.NETMAP_REQ_IFNAMSIZ];
    public ulong nr_options;
    public ulong nr_body;
}

/// <summary>Header of each option in a list (<c>net/netmap.h</c>, 24 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nmreq_option")]
[StructLayout(LayoutKind.Sequential)]
internal struct nmreq_option
{
    public ulong nro_next;
    public uint nro_reqtype;
    public uint nro_status;
    public ulong nro_size;
}

/// <summary>Argument of the legacy NIOCREGIF and NIOCGINFO (<c>net/netmap_legacy.h</c>, 60 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nmreq")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmreq
{
    public fixed byte nr_name[16];
    public uint nr_version;
    public uint nr_offset;
    public uint nr_memsize;
    public uint nr_tx_slots;
    public uint nr_rx_slots;
    public ushort nr_tx_rings;
    public ushort nr_rx_rings;
    public ushort nr_ringid;
    public ushort nr_cmd;
    public ushort nr_arg1;
    public ushort nr_arg2;
    public uint nr_arg3;
    public uint nr_flags;
    public uint spare2;
}

/// <summary>Argument of NIOCCONFIG (<c>net/netmap_legacy.h</c>, 272 bytes).</summary>
[Abi("net/netmap.h", Name = "struct nm_ifreq")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nm_ifreq
{
    public fixed byte nifr_name[16];
    public fixed byte data[256];
}
