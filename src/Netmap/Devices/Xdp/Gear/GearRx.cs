using Netmap.Bpf;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// The fast way in, for interfaces whose XDP sockets would copy anyway: the XDP program copies each frame into a mapped
/// ring and drops it, so that the kernel never sees it again. If netmap's buffers are in an array, it copies the frame into one
/// that the reader has given, and the ring gets its place. One ring a receive queue; the driver runs the program for one frame of a
/// queue at a time, so each ring has one writer.
/// </summary>
internal sealed partial class GearRx : IDisposable
{
    private const int AllRings = 64 << 20;
    private const int LargestRing = 2 << 20;
    private const int SmallestRing = 256 << 10;
    private const int LongestFragmented = ushort.MaxValue;
    private const int LongestLinear = 4096;

    // A queue's area: what the program writes for each frame and we look at; what we write for each sync and it looks at
    // when its ring seems full; what we write rarely and it looks at for each frame; the program's own; the records. In
    // pairs of cache lines, which processors fetch together.
    private const int Produced = 0;
    private const int Consumed = 128;
    private const int Asleep = 256;
    private const int On = 260;
    private const int Watching = 264;
    private const int Offset = 384;
    private const int Made = 388;
    private const int Seen = 392;
    private const int Full = 400;
    private const int TooLong = 408;
    private const int Filled = 416;
    private const int Fill = 512;
    private const int Records = Fill + (GearRxRing.MostGiven * sizeof(uint));

    private readonly GearPool? _pool;
    private readonly BpfMap _records;
    private readonly BpfMapping _mapping;
    private readonly GearRxRing[] _rings;
    private readonly int _ringBytes;
    private readonly int _longest;
    private readonly bool _mayBePartial;

    /// <param name="queues">Receive queues.</param>
    /// <param name="fragmented">The program takes frames of several buffers (BPF_F_XDP_HAS_FRAGS), up to 65,535 bytes.</param>
    /// <param name="mayBePartial">Checksums may have been left to hardware that is not there.</param>
    /// <param name="pool">netmap's memory, where programs reach it.</param>
    /// <param name="port">For errors.</param>
    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public GearRx(int queues, bool fragmented, bool mayBePartial, GearPool? pool, string port)
    {
        (_pool, _mayBePartial) = (pool, mayBePartial);
        _longest = fragmented ? LongestFragmented : LongestLinear;
        _ringBytes = Math.Clamp((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(AllRings / queues)), SmallestRing, LargestRing);
        _records = BpfMap.Create("netmap_rx", BpfMapSpec.Array(queues * Stride), port);
        _mapping = _records.Map(0, (nuint)(queues * Stride), writable: true);
        _rings = [.. Enumerable.Range(0, queues).Select(MakeRing)];
    }

    // A record may begin at the very end of the ring, behind what is left of a line.
    private int Stride => Records + _ringBytes + GearRecord.Alignment + GearRecord.BytesOf(_longest);

    public GearRxRing Ring(int index) => _rings[index];

    public void Dispose()
    {
        _mapping.Dispose();
        _records.Dispose();
    }

    private unsafe GearRxRing MakeRing(int index)
    {
        byte* area = _mapping.Address + ((long)index * Stride);
        return new(_pool, new GearRxLayout
        {
            Produced = (uint*)(area + Produced),
            Consumed = (uint*)(area + Consumed),
            Asleep = (uint*)(area + Asleep),
            On = (uint*)(area + On),
            Watching = (uint*)(area + Watching),
            Full = (long*)(area + Full),
            TooLong = (long*)(area + TooLong),
            Fill = (uint*)(area + Fill),
            Records = area + Records,
            RingBytes = (uint)_ringBytes,
        });
    }
}
