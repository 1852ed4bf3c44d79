using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Client;

/// <summary>
/// A server's memory, mapped here. It stays mapped until nothing refers to it, and its addresses even longer
/// (<see cref="AddressReserve"/>), so that a span of a port that was closed meanwhile does not fault.
/// </summary>
internal sealed unsafe class RemoteRegion
{
    private readonly nuint _length;

    /// <param name="memory">The file it is part of.</param>
    /// <param name="start">Where in the file.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="NetmapException">ENOMEM.</exception>
    public RemoteRegion(SafeDescriptor memory, long start, long length)
    {
        SysResult mapped = AddressReserve.Map(_length = (nuint)length, SysMman.MAP_SHARED | SysMman.MAP_NORESERVE, memory.Fd, start);
        if (mapped.IsError)
            throw new NetmapException(mapped.Errno, "map", null, $"the port's memory, {length >> 20} MiB, cannot be mapped");
        Address = (byte*)mapped.Value;
    }

    ~RemoteRegion()
    {
        if (Address != null)
            AddressReserve.Return(Address, _length);
    }

    public byte* Address { get; }

    public long Length => (long)_length;

    /// <summary>
    /// The rings that a file has bound, found as a C program finds them (spec 1.4): whatever another program wrote there
    /// meanwhile, none of them leads out of the region.
    /// </summary>
    /// <exception cref="NetmapException">EPROTO they do.</exception>
    public PortRings Rings(in nmreq_register granted)
    {
        netmap_if* nif = (netmap_if*)At((long)granted.nr_offset, sizeof(netmap_if));
        int tx = (int)Math.Min(nif->ni_tx_rings, ushort.MaxValue);
        int rx = (int)Math.Min(nif->ni_rx_rings, ushort.MaxValue);
        int txEntries = tx + (int)Math.Min(nif->ni_host_tx_rings, ushort.MaxValue);
        int rxEntries = rx + (int)Math.Min(nif->ni_host_rx_rings, ushort.MaxValue);
        List<TxRing> txRings = [];
        List<RxRing> rxRings = [];
        for (int i = 0; i < txEntries + rxEntries; i++)
        {
            long offset = *(long*)At((long)granted.nr_offset + sizeof(netmap_if) + (8L * i), 8);
            if (offset == 0)
                continue;
            RingPlace place = Ring((long)granted.nr_offset + offset);
            if (i < txEntries)
                txRings.Add(new TxRing(place.Ring, place.Buffers, place.BufferCount, place.BufferSize, place.Slots, i) { Region = this, IsHost = i >= tx });
            else
                rxRings.Add(new RxRing(place.Ring, place.Buffers, place.BufferCount, place.BufferSize, place.Slots, i - txEntries) { Region = this, IsHost = i - txEntries >= rx });
        }
        return new([.. txRings], [.. rxRings], (int)granted.nr_extra_bufs, nif->ni_bufs_head);
    }

    private RingPlace Ring(long position)
    {
        netmap_ring* ring = (netmap_ring*)At(position, sizeof(netmap_ring));
        (uint slots, uint size, long buffers) = (ring->num_slots, ring->nr_buf_size, position + ring->buf_ofs);
        At(position, sizeof(netmap_ring) + ((long)slots * sizeof(netmap_slot)));
        if (slots < 2 || size is 0 or > 65536)
            throw Broken();
        return new(ring, At(buffers, size), (uint)((Length - buffers) / size), (int)size, (int)slots);
    }

    private byte* At(long position, long length) =>
        position < 0 || length < 0 || position > Length - length ? throw Broken() : Address + position;

    private static NetmapException Broken() => new(Errno.EPROTO, "map", null, "the port's memory makes no sense; has another program written over it?");

    private readonly struct RingPlace(netmap_ring* ring, byte* buffers, uint bufferCount, int bufferSize, int slots)
    {
        public readonly netmap_ring* Ring = ring;
        public readonly byte* Buffers = buffers;
        public readonly uint BufferCount = bufferCount;
        public readonly int BufferSize = bufferSize;
        public readonly int Slots = slots;
    }
}
