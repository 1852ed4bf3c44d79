using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>One entry of a ring: which buffer, how many bytes, which flags (<c>net/netmap.h</c>, 16 bytes).</summary>
[Abi("net/netmap.h", Name = "struct netmap_slot")]
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct netmap_slot
{
    public uint buf_idx;
    public ushort len;
    public ushort flags;
    public ulong ptr;
}

/// <summary>Header of a ring in shared memory; <c>slot[]</c> follows at byte 256 (<c>net/netmap.h</c>).</summary>
[Abi("net/netmap.h", Name = "struct netmap_ring")]
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct netmap_ring
{
    [FieldOffset(0)] public long buf_ofs;
    [FieldOffset(8)] public uint num_slots;
    [FieldOffset(12)] public uint nr_buf_size;
    [FieldOffset(16)] public ushort ringid;
    [FieldOffset(18)] public ushort dir;
    [FieldOffset(20)] public uint head;
    [FieldOffset(24)] public uint cur;
    [FieldOffset(28)] public uint tail;
    [FieldOffset(32)] public uint flags;
    [FieldOffset(40)] public timeval ts;
    [FieldOffset(56)] public ulong offset_mask;
    [FieldOffset(64)] public ulong buf_align;
    [FieldOffset(128)] public fixed byte sem[128];
}

/// <summary>Describes the rings of one open file; <c>ring_ofs[]</c> follows at byte 56 (<c>net/netmap.h</c>).</summary>
[Abi("net/netmap.h", Name = "struct netmap_if")]
[StructLayout(LayoutKind.Sequential, Size = 56)]
internal unsafe struct netmap_if
{
    public fixed byte ni_name[16];
    public uint ni_version;
    public uint ni_flags;
    public uint ni_tx_rings;
    public uint ni_rx_rings;
    public uint ni_bufs_head;
    public uint ni_host_tx_rings;
    public uint ni_host_rx_rings;
    public fixed uint ni_spare1[3];
}

/// <summary>Seconds and microseconds (<c>sys/time.h</c>).</summary>
[Abi("sys/time.h", Name = "struct timeval")]
[StructLayout(LayoutKind.Sequential)]
internal struct timeval
{
    public long tv_sec;
    public long tv_usec;
}
