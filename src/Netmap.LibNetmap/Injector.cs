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
        nuint buffer = ring->nr_buf_size;
        nuint slots = size == 0 ? 1 : (size + buffer - 1) / buffer;
        uint head = ring->head;
        uint tail = Volatile.Read(ref ring->tail);
        uint space = tail >= head ? tail - head : tail + ring->num_slots - head;
        if (slots > space)
            return false;
        netmap_slot* slot = (netmap_slot*)(ring + 1);
        for (; slots > 0; slots--)
        {
            nuint part = Math.Min(size, buffer);
            netmap_slot* here = slot + head;
            NativeMemory.Copy(frame, (byte*)ring + ring->buf_ofs + ((long)here->buf_idx * (long)buffer), part);
            here->len = (ushort)part;
            here->flags = slots > 1 ? (ushort)NetmapH.NS_MOREFRAG : (ushort)0;
            frame += part;
            size -= part;
            head = head + 1 == ring->num_slots ? 0 : head + 1;
        }
        Volatile.Write(ref ring->cur, head);
        // Store-release: the slots are filled before head moves; pairs with the engine's load-acquire in its prologue.
        Volatile.Write(ref ring->head, head);
        return true;
    }
}
