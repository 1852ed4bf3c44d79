namespace Netmap.Memory;

/// <summary>The three pools of an allocator (spec 1.4).</summary>
internal sealed record MemoryGeometry(PoolGeometry Interfaces, PoolGeometry Rings, PoolGeometry Buffers)
{
    /// <summary>Bytes that the kernel leaves before a received frame (XDP_PACKET_HEADROOM).</summary>
    private const int NativeLead = 256;

    /// <summary>
    /// Bytes from a page's start to the first buffer. With the kernel's headroom there, an XDP socket's chunk of a buffer's
    /// size that puts a frame at the start of a buffer never crosses a page, which zero-copy drivers want.
    /// </summary>
    public int Lead { get; private init; }

    /// <summary>Where the buffers begin.</summary>
    public long BufferOffset => Interfaces.Bytes + Rings.Bytes + Lead;

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
                Math.Max(1024, 56 + (8 * (txRings + rxRings + 2))), Math.Max(2, 2 + (4 * pipes))),
            PoolGeometry.Round(PoolLimits.Rings,
                Math.Max(20480, 256 + (16 * longest)), Math.Max(4, txRings + rxRings + 2 + (8 * pipes))),
            PoolGeometry.Round(PoolLimits.Buffers, 2048, Math.Max(4098, buffers)));
    }

    /// <summary>Bytes of the whole region, rounded up to a page.</summary>
    public long Bytes => (BufferOffset + Buffers.Bytes + 4095) & ~4095L;
}
