using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>libnetmap's port descriptor, for programs that hold one (<c>libnetmap.h</c>, 216 bytes).</summary>
[Abi("libnetmap.h", Name = "struct nmport_d")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmport_d
{
    public nmreq_header hdr;
    public nmreq_register reg;
    public void* mem;
    public void* ctx;
    public int register_done;
    public int mmap_done;
    public nmreq_opt_extmem* extmem;
    public int fd;
    public netmap_if* nifp;
    public ushort first_tx_ring;
    public ushort last_tx_ring;
    public ushort first_rx_ring;
    public ushort last_rx_ring;
    public ushort cur_tx_ring;
    public ushort cur_rx_ring;
    public void* clist;
}
