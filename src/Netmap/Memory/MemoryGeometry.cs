namespace Netmap.Memory;

/// <summary>The three pools of an allocator (spec 1.4).</summary>
internal sealed record MemoryGeometry(PoolGeometry Interfaces, PoolGeometry Rings, PoolGeometry Buffers)
{
    /// <summary>The global memory of an engine.</summary>
    /// <exception cref="NetmapException">EINVAL naming the option out of range.</exception>
    public static MemoryGeometry Global(NetmapEngineOptions options) => new(
        PoolGeometry.Round(PoolLimits.GlobalInterfaces, options.InterfaceSize, options.InterfaceCount),
        PoolGeometry.Round(PoolLimits.Rings, options.RingSize, options.RingCount),
        PoolGeometry.Round(PoolLimits.Buffers, options.BufferSize, options.BufferCount));

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
                Math.Max(1024, 56 + (8 * (txRings + rxRings + 2))), Math.Max(2, 2 + (4 * pipes))),
            PoolGeometry.Round(PoolLimits.Rings,
                Math.Max(20480, 256 + (16 * longest)), Math.Max(4, txRings + rxRings + 2 + (8 * pipes))),
            PoolGeometry.Round(PoolLimits.Buffers, 2048, Math.Max(4098, buffers)));
    }

    /// <summary>Bytes of the whole region, rounded up to a page.</summary>
    public long Bytes => (Interfaces.Bytes + Rings.Bytes + Buffers.Bytes + 4095) & ~4095L;
}
