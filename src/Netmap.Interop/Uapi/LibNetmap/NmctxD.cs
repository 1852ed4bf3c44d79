using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>libnetmap's context: where messages and memory go (<c>libnetmap.h</c>, 48 bytes). The callbacks are C functions.</summary>
[Abi("libnetmap.h", Name = "struct nmctx")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmctx
{
    public int verbose;

    /// <summary><c>void (struct nmctx *, const char *message)</c>.</summary>
    public void* error;

    /// <summary><c>void *(struct nmctx *, size_t)</c>.</summary>
    public void* malloc;

    /// <summary><c>void (struct nmctx *, void *)</c>.</summary>
    public void* free;

    /// <summary><c>void (struct nmctx *, int lock)</c>; NULL for no locking.</summary>
    public void* @lock;

    public nmem_d* mem_descs;
}

/// <summary>A mapped memory that ports of one context share (<c>libnetmap.h</c>, 48 bytes).</summary>
[Abi("libnetmap.h", Name = "struct nmem_d")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmem_d
{
    public ushort mem_id;
    public int refcount;
    public void* mem;
    public nuint size;
    public int is_extmem;
    public nmem_d* next;
    public nmem_d* prev;
}
