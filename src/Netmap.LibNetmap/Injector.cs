using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>nmport_inject: a frame into the next transmit ring that has room, over as many slots as it needs.</summary>
internal static unsafe class Injector
{
    [UnmanagedCallersOnly(EntryPoint = "nmport_inject")]
    public static int Inject(nmport_d* port, byte* frame, nuint size)
    {
        int rings = port->last_tx_ring - port->first_tx_ring + 1;
        ushort at = port->cur_tx_ring;
        for (int tried = 0; tried < rings; tried++, at++)
        {
            if (at > port->last_tx_ring)
                at = port->first_tx_ring;
            netmap_ring* ring = (netmap_ring*)((byte*)port->nifp + ((long*)(port->nifp + 1))[at]);
            if (!TryPut(ring, frame, size))
                continue;
            port->cur_tx_ring = at;
            return (int)size;
        }
        return 0;
    }

    private static bool TryPut(netmap_ring* ring, byte* frame, nuint size)
    {
        uint at = ring->head;
        uint tail = Volatile.Read(ref ring->tail);
        uint last = LastSlot(ring, at, tail, size);
        if (last == tail)
            return false;
        for (; ; at = Next(ring, at))
        {
            netmap_slot* slot = Slot(ring, at);
            nuint part = Math.Min(size, Room(ring, slot));
            byte* buffer = (byte*)ring + ring->buf_ofs + ((long)slot->buf_idx * ring->nr_buf_size);
            NativeMemory.Copy(frame, buffer + (slot->ptr & ring->offset_mask), part);
            slot->len = (ushort)part;
            slot->flags = at == last ? (ushort)0 : (ushort)NetmapH.NS_MOREFRAG;
            if (at == last)
                break;
            frame += part;
            size -= part;
        }
        uint head = Next(ring, last);
        Volatile.Write(ref ring->cur, head);
        // Store-release: the slots are filled before head moves; pairs with the engine's load-acquire in its prologue.
        Volatile.Write(ref ring->head, head);
        return true;
    }

    /// <summary>The slot that takes a frame's last byte; <paramref name="tail"/> when the frame does not fit.</summary>
    private static uint LastSlot(netmap_ring* ring, uint at, uint tail, nuint size)
    {
        for (; at != tail; at = Next(ring, at))
        {
            nuint room = Room(ring, Slot(ring, at));
            if (size <= room)
                break;
            size -= room;
        }
        return at;
    }

    /// <summary>Bytes of a slot's buffer behind its offset.</summary>
    private static nuint Room(netmap_ring* ring, netmap_slot* slot)
    {
        ulong offset = slot->ptr & ring->offset_mask;
        return offset < ring->nr_buf_size ? ring->nr_buf_size - (nuint)offset : 0;
    }

    private static netmap_slot* Slot(netmap_ring* ring, uint at) => (netmap_slot*)(ring + 1) + at;

    private static uint Next(netmap_ring* ring, uint at) => at + 1 == ring->num_slots ? 0 : at + 1;
}
