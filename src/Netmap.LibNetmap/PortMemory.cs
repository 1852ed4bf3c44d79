using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>nmport_mmap: one mapping for each memory of a context, shared by its ports; and the rings found in it.</summary>
internal static unsafe class PortMemory
{
    [UnmanagedCallersOnly(EntryPoint = "nmport_mmap")]
    public static int ExportedMap(nmport_d* port) => Map(port);

    public static int Map(nmport_d* port)
    {
        nmctx* ctx = (nmctx*)port->ctx;
        if (port->mmap_done != 0)
            return Context.Fail(ctx, Errno.EINVAL, $"{CText.String(port->hdr.nr_name)}: it is mapped already");
        if (port->register_done == 0)
            return Context.Fail(ctx, Errno.EINVAL, "a port is registered before it is mapped");
        Context.SetLock(ctx, true);
        nmem_d* memory = FindOrMap(port, ctx);
        if (memory != null)
            memory->refcount++;
        Context.SetLock(ctx, false);
        if (memory == null)
            return -1;
        port->mem = memory;
        FindRings(port, (netmap_if*)((byte*)memory->mem + port->reg.nr_offset));
        port->mmap_done = 1;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_undo_mmap")]
    public static void ExportedUnmap(nmport_d* port) => Unmap(port);

    public static void Unmap(nmport_d* port)
    {
        nmem_d* memory = (nmem_d*)port->mem;
        if (memory == null)
            return;
        nmctx* ctx = (nmctx*)port->ctx;
        Context.SetLock(ctx, true);
        if (--memory->refcount <= 0)
            Drop(memory, ctx);
        Context.SetLock(ctx, false);
        port->mmap_done = 0;
        port->mem = null;
        port->nifp = null;
        port->first_tx_ring = port->last_tx_ring = port->first_rx_ring = port->last_rx_ring = 0;
        port->cur_tx_ring = port->cur_rx_ring = 0;
    }

    private static nmem_d* FindOrMap(nmport_d* port, nmctx* ctx)
    {
        nmem_d* memory = ctx->mem_descs;
        while (memory != null && memory->mem_id != port->reg.nr_mem_id)
            memory = memory->next;
        if (memory != null)
            return memory;
        memory = Context.New<nmem_d>(ctx);
        if (memory == null)
            return null;
        memory->mem_id = port->reg.nr_mem_id;
        memory->is_extmem = port->extmem != null ? 1 : 0;
        SysResult mapped = Address(port, memory);
        if (mapped.IsError)
        {
            Context.Free(ctx, memory);
            Context.Fail(ctx, mapped.Errno, $"{CText.String(port->hdr.nr_name)}: mmap: {Context.Words(mapped.Errno)}");
            return null;
        }
        memory->mem = (void*)mapped.Value;
        memory->next = ctx->mem_descs;
        if (memory->next != null)
            memory->next->prev = memory;
        return ctx->mem_descs = memory;
    }

    private static SysResult Address(nmport_d* port, nmem_d* memory)
    {
        if (port->extmem != null)
        {
            memory->size = (nuint)port->extmem->nro_info.nr_memsize;
            return SysResult.Ok((long)port->extmem->nro_usrptr);
        }
        memory->size = (nuint)port->reg.nr_memsize;
        return SysMman.mmap(null, memory->size, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, port->fd, 0);
    }

    private static void Drop(nmem_d* memory, nmctx* ctx)
    {
        if (memory->is_extmem == 0)
            SysMman.munmap(memory->mem, memory->size);
        if (memory->next != null)
            memory->next->prev = memory->prev;
        if (memory->prev != null)
            memory->prev->next = memory->next;
        else
            ctx->mem_descs = memory->next;
        Context.Free(ctx, memory);
    }

    private static void FindRings(nmport_d* port, netmap_if* nif)
    {
        port->nifp = nif;
        long* offsets = (long*)(nif + 1);
        int tx = port->reg.nr_tx_rings + (int)nif->ni_host_tx_rings;
        int rx = port->reg.nr_rx_rings + (int)nif->ni_host_rx_rings;
        (port->first_tx_ring, port->last_tx_ring) = FirstRun(offsets, tx);
        (port->first_rx_ring, port->last_rx_ring) = FirstRun(offsets + tx, rx);
        (port->cur_tx_ring, port->cur_rx_ring) = (port->first_tx_ring, port->first_rx_ring);
    }

    /// <summary>The first rings in a row that are bound; of none the last is before the first.</summary>
    private static (ushort First, ushort Last) FirstRun(long* offsets, int count)
    {
        int first = 0;
        while (first < count && offsets[first] == 0)
            first++;
        int end = first;
        while (end < count && offsets[end] != 0)
            end++;
        return ((ushort)first, (ushort)(end - 1));
    }
}
