using System.Runtime.CompilerServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap;

/// <summary>
/// A ring in shared memory, as the program sees it: the slots from <see cref="Head"/> up to, not including,
/// <see cref="Tail"/> are the program's. One thread at a time; no method makes a system call or allocates.
/// Source: <c>struct netmap_ring</c>, netmap(4).
/// </summary>
public abstract unsafe class NetmapRing
{
    private readonly byte* _buffers;
    private readonly netmap_slot* _slots;
    private readonly uint _bufferCount;
    private protected readonly netmap_ring* Ring;
    private protected readonly uint Limit;
    private bool _closed;

    private protected NetmapRing(netmap_ring* ring, byte* buffers, uint bufferCount, int bufferSize, int slots, int index)
    {
        Ring = ring;
        _buffers = buffers;
        _bufferCount = bufferCount;
        _slots = (netmap_slot*)(ring + 1);
        Limit = (uint)slots - 1;
        BufferSize = bufferSize;
        Index = index;
    }

    /// <summary>Number of this ring on its port, from 0; host rings follow those of the interface, as in <c>ringid</c>.</summary>
    public int Index { get; }

    /// <summary>Leads to the host's stack behind the interface, not to the wire.</summary>
    public bool IsHost { get; internal init; }

    /// <summary>Slots in the ring; at most one less can be used at a time.</summary>
    public int SlotCount => (int)Limit + 1;

    /// <summary>Bytes in each buffer.</summary>
    public int BufferSize { get; }

    /// <summary>First slot the program owns. Moving it forward gives slots to the port at the next sync.</summary>
    public int Head
    {
        get => (int)Volatile.Read(ref Live->head);
        set => Volatile.Write(ref Live->head, (uint)value);
    }

    /// <summary>Wake-up point: poll returns when the port has moved <see cref="Tail"/> past it.</summary>
    public int Cur
    {
        get => (int)Volatile.Read(ref Live->cur);
        set => Volatile.Write(ref Live->cur, (uint)value);
    }

    /// <summary>First slot the port still owns. Written by the port during a sync.</summary>
    public int Tail => (int)Volatile.Read(ref Live->tail);

    /// <summary>True when the program owns no slot.</summary>
    public bool IsEmpty => Head == Tail;

    /// <summary>When the ring was last synced (receive rings), UTC, from the ring's <c>ts</c>.</summary>
    public DateTimeOffset Timestamp =>
        DateTimeOffset.UnixEpoch.AddTicks((Live->ts.tv_sec * TimeSpan.TicksPerSecond) + (Live->ts.tv_usec * 10));

    /// <summary>The slot at <paramref name="index"/>, by reference into shared memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not within 0..<see cref="SlotCount"/>-1.</exception>
    public ref NetmapSlot this[int index] => ref Unsafe.As<netmap_slot, NetmapSlot>(ref *SlotAt(index));

    /// <summary>The slot after <paramref name="index"/>, wrapping at the end.</summary>
    public int Next(int index) => (int)RingIndex.Next((uint)index, Limit);

    /// <summary>
    /// The whole buffer of slot <paramref name="index"/>: <see cref="BufferSize"/> bytes of shared memory, no copy. Where the
    /// ring has offsets, frames are in <see cref="Data"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not within 0..<see cref="SlotCount"/>-1.</exception>
    public Span<byte> Buffer(int index) => BufferOf(SlotAt(index)->buf_idx);

    /// <summary>
    /// Where frames may be in slot <paramref name="index"/>: its buffer from its offset on. The whole buffer unless the
    /// ring has offsets.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not within 0..<see cref="SlotCount"/>-1.</exception>
    public Span<byte> Data(int index)
    {
        netmap_slot* slot = SlotAt(index);
        Span<byte> buffer = BufferOf(slot->buf_idx);
        ulong mask = Ring->offset_mask;
        return mask == 0 ? buffer : buffer[(int)Math.Min(slot->ptr & mask, (ulong)BufferSize)..];
    }

    /// <summary>True when slots of this ring say where in their buffers frames begin (<c>offset_mask</c> is not 0).</summary>
    public bool HasOffsets => Live->offset_mask != 0;

    /// <summary>Where the frame of slot <paramref name="index"/> begins in its buffer, in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not within 0..<see cref="SlotCount"/>-1.</exception>
    public int Offset(int index) => BufferSize - Data(index).Length;

    /// <summary>Says where the frame of slot <paramref name="index"/> begins; the other bits of the pointer stay.</summary>
    /// <param name="index">The slot.</param>
    /// <param name="offset">Bytes, 0..<see cref="NetmapPort.MaxOffset"/>; the port caps what is larger.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such slot, or more than the buffer or the ring's mask holds.</exception>
    public void SetOffset(int index, int offset)
    {
        netmap_slot* slot = SlotAt(index);
        ulong mask = Ring->offset_mask;
        if ((uint)offset > (uint)BufferSize || ((ulong)offset & ~mask) != 0)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, mask == 0 ? $"ring {Index} has no offsets" : $"offsets of ring {Index} have mask {mask:x}, buffers {BufferSize} bytes");
        slot->ptr = (slot->ptr & ~mask) | (uint)offset;
    }

    /// <summary>Both rings' buffers lie in one memory, so that slots may exchange them instead of copying frames.</summary>
    public bool SharesMemoryWith(NetmapRing other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return _buffers == other._buffers;
    }

    /// <summary>The buffer with this index in the port's memory, such as an extra buffer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such buffer in the port's memory.</exception>
    public Span<byte> BufferOf(uint bufferIndex)
    {
        if (bufferIndex >= _bufferCount)
            ThrowBuffer(bufferIndex);
        return new(_buffers + ((long)bufferIndex * BufferSize), BufferSize);
    }

    /// <summary>Slots the program owns: distance from <see cref="Head"/> to <see cref="Tail"/>.</summary>
    private protected int Owned
    {
        get
        {
            uint head = Volatile.Read(ref Live->head);
            uint tail = Volatile.Read(ref Live->tail);
            return head > Limit || tail > Limit ? 0 : (int)RingIndex.Distance(head, tail, Limit);
        }
    }

    /// <summary>Moves head and cur forward over <paramref name="slots"/> slots.</summary>
    private protected void Release(int slots)
    {
        if ((uint)slots > (uint)Owned)
            throw new ArgumentOutOfRangeException(nameof(slots), slots, $"the program owns {Owned} slots of ring {Index}");
        uint head = RingIndex.Advance(Volatile.Read(ref Ring->head), (uint)slots, Limit);
        Volatile.Write(ref Ring->cur, head);
        // Store-release: what the program wrote into its slots is visible before head; pairs with the load-acquire of
        // head in KRing's prologue.
        Volatile.Write(ref Ring->head, head);
    }

    private protected netmap_ring* Live
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (_closed)
                ThrowClosed();
            return Ring;
        }
    }

    /// <summary>Refers to the memory, which stays mapped meanwhile: a span kept after the port was closed reads zeros.</summary>
    internal object? Region { get; init; }

    internal void Close() => _closed = true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected netmap_slot* SlotAt(int index)
    {
        if (_closed)
            ThrowClosed();
        if ((uint)index > Limit)
            ThrowSlot(index);
        return _slots + index;
    }

    private static void ThrowClosed() => throw new ObjectDisposedException(nameof(NetmapPort));

    private void ThrowSlot(int index) =>
        throw new ArgumentOutOfRangeException(nameof(index), index, $"ring {Index} has slots 0..{Limit}");

    private void ThrowBuffer(uint index) =>
        throw new ArgumentOutOfRangeException(nameof(index), index, $"this memory has buffers 0..{_bufferCount - 1}");
}
