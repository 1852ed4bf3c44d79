using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>The three pools of an allocator (spec 1.4), each from a page's start on.</summary>
internal sealed record MemoryGeometry(PoolGeometry Interfaces, PoolGeometry Rings, PoolGeometry Buffers)
{
    // Private defaults.
    private const int InterfaceSize = 1024;
    private const int InterfaceCount = 2;
    private const int RingSize = 20480;
    private const int RingCount = 4;
    private const int BufferSize = 2048;
    private const int BufferCount = 4098;

    /// <summary>Indices are int here; a pool of the smallest buffers would be 64 GiB.</summary>
    private const long MostObjects = 1 << 30;

    /// <summary>Bytes that the kernel leaves before a received frame (XDP_PACKET_HEADROOM).</summary>
    private const int NativeLead = 256;

    /// <summary>
    /// Bytes from a page's start to the first buffer. With the kernel's headroom there, an XDP socket's chunk of a buffer's
    /// size that puts a frame at the start of a buffer never crosses a page, which zero-copy drivers want.
    /// </summary>
    public int Lead { get; private init; }

    /// <summary>The global memory of an engine.</summary>
    /// <exception cref="NetmapException">EINVAL naming the option out of range.</exception>
    public static MemoryGeometry Global(NetmapEngineOptions options) => new(
        PoolGeometry.Round(PoolLimits.GlobalInterfaces, options.InterfaceSize, options.InterfaceCount),
        PoolGeometry.Round(PoolLimits.Rings, options.RingSize, options.RingCount),
        PoolGeometry.Round(PoolLimits.Buffers, options.BufferSize, options.BufferCount))
    {
        Lead = NativeLead,
    };

    /// <summary>
    /// Memory of one port of its own: the private defaults, or what its rings need if that is more.
    /// </summary>
    /// <param name="pipes">Pipes to leave room for: 2 for a VALE port, 0 for a copy monitor.</param>
    /// <param name="extraBuffers">Buffers beyond those of the rings.</param>
    public static MemoryGeometry Private(int txRings, int rxRings, int txSlots, int rxSlots, int pipes, int extraBuffers)
    {
        int longest = Math.Max(txSlots, rxSlots);
        int buffers = (((4 * pipes) + rxRings + 1) * rxSlots) + (((4 * pipes) + txRings + 1) * txSlots) + 2 + extraBuffers;
        return new(
            PoolGeometry.Round(PoolLimits.PrivateInterfaces,
                Math.Max(InterfaceSize, 56 + (8 * (txRings + rxRings + 2))), Math.Max(InterfaceCount, 2 + (4 * pipes))),
            PoolGeometry.Round(PoolLimits.Rings,
                Math.Max(RingSize, 256 + (16 * longest)), Math.Max(RingCount, txRings + rxRings + 2 + (8 * pipes))),
            PoolGeometry.Round(PoolLimits.Buffers, BufferSize, Math.Max(BufferCount, buffers)));
    }

    /// <summary>
    /// Memory that a program brings: as asked for, sizes as they are, and what is left becomes buffers.
    /// </summary>
    /// <exception cref="NetmapException">ENOMEM the objects do not fit; EINVAL a size no ring or buffer can have.</exception>
    public static MemoryGeometry External(in nmreq_pools_info asked, string port)
    {
        PoolLimits.PrivateInterfaces.CheckLent(asked.nr_if_pool_objsize, port);
        PoolLimits.Rings.CheckLent(asked.nr_ring_pool_objsize, port);
        PoolLimits.Buffers.CheckLent(asked.nr_buf_pool_objsize, port);
        ulong left = asked.nr_memsize;
        Take(ref left, asked.nr_if_pool_objtotal, asked.nr_if_pool_objsize, port);
        Take(ref left, asked.nr_ring_pool_objtotal, asked.nr_ring_pool_objsize, port);
        Take(ref left, asked.nr_buf_pool_objtotal, asked.nr_buf_pool_objsize, port);
        ulong buffers = asked.nr_buf_pool_objtotal + ((left + asked.nr_buf_pool_objsize - 1) / asked.nr_buf_pool_objsize);
        // Pools begin at pages, so the last ones may have less room than the sum of all says.
        long room = PageUp((long)asked.nr_memsize);
        PoolGeometry interfaces = Fitting(asked.nr_if_pool_objsize, asked.nr_if_pool_objtotal, ref room);
        PoolGeometry rings = Fitting(asked.nr_ring_pool_objsize, asked.nr_ring_pool_objtotal, ref room);
        PoolGeometry rest = Fitting(asked.nr_buf_pool_objsize, buffers, ref room);
        // The first two are reserved, and there must be one that bad indices can mean.
        return rest.Count > 2 ? new(interfaces, rings, rest)
            : throw new NetmapException(Errno.ENOMEM, "lend memory", port, "no room is left for buffers; lend more, or ask for fewer rings");
    }

    /// <summary>Fields that are 0 become the private defaults.</summary>
    public static void FillIn(ref nmreq_pools_info asked)
    {
        Default(ref asked.nr_if_pool_objsize, InterfaceSize, ref asked.nr_if_pool_objtotal, InterfaceCount);
        Default(ref asked.nr_ring_pool_objsize, RingSize, ref asked.nr_ring_pool_objtotal, RingCount);
        Default(ref asked.nr_buf_pool_objsize, BufferSize, ref asked.nr_buf_pool_objtotal, BufferCount);
    }

    /// <summary>Where the rings begin.</summary>
    public long RingOffset => PageUp(Interfaces.Bytes);

    /// <summary>Where the buffers begin.</summary>
    public long BufferOffset => RingOffset + PageUp(Rings.Bytes) + Lead;

    /// <summary>Bytes of the whole region, rounded up to a page.</summary>
    public long Bytes => PageUp(BufferOffset + Buffers.Bytes);

    private static void Default(ref uint size, int usualSize, ref uint count, int usualCount)
    {
        size = size == 0 ? (uint)usualSize : size;
        count = count == 0 ? (uint)usualCount : count;
    }

    private static void Take(ref ulong left, uint count, uint size, string port)
    {
        ulong wanted = (ulong)count * size;
        if (wanted > left)
            throw new NetmapException(Errno.ENOMEM, "lend memory", port,
                $"{count} objects of {size} bytes do not fit into what is left of it, {left} bytes; lend more, or ask for fewer");
        left -= wanted;
    }

    private static PoolGeometry Fitting(uint size, ulong count, ref long room)
    {
        long fitting = (long)Math.Min(Math.Min(count, MostObjects), (ulong)(room / size));
        room -= PageUp(fitting * size);
        return new((int)size, (int)fitting);
    }

    private static long PageUp(long bytes) => (bytes + 4095) & ~4095L;
}
