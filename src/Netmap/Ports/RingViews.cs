using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap;

/// <summary>The program's view of the rings a file has bound.</summary>
internal static unsafe class RingViews
{
    public static PortRings Of(Registration bound)
    {
        NetmapMemory memory = bound.Memory;
        SharedRegion region = memory.Region;
        byte* buffers = memory.Buffers;
        TxRing[] tx = [.. bound.TxRings.Select(r => new TxRing(At(r), buffers, memory.BufferCount, r.BufferSize, (int)r.SlotCount, r.Id) { Region = region, IsHost = r.IsHost })];
        RxRing[] rx = [.. bound.RxRings.Select(r => new RxRing(At(r), buffers, memory.BufferCount, r.BufferSize, (int)r.SlotCount, r.Id) { Region = region, IsHost = r.IsHost })];
        return new(tx, rx, bound.ExtraBuffers, FirstExtraBuffer(bound));

        netmap_ring* At(KRing ring) => (netmap_ring*)(region.Address + ring.Position);
    }

    private static uint FirstExtraBuffer(Registration bound) =>
        ((netmap_if*)(bound.Memory.Region.Address + bound.InterfaceOffset))->ni_bufs_head;
}
