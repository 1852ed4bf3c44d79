using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Rings;

/// <summary>
/// Data from another process's memory. That memory may be of a file system that never answers, so it is read outside of the ring, into
/// places here; inside, a sync takes a place only for a slot that still says what it said then. A thread that others need does not
/// fetch: the sync ends at the slot, and <see cref="IsWanted"/> says that a thread of the client's own should go on.
/// One thread at a time uses it.
/// </summary>
internal sealed unsafe class StagedData(ProcessMemory program) : IndirectData, IDisposable
{
    /// <summary>More than a packet's slots, so that one packet always fits.</summary>
    private const int Places = 4 * NetmapH.NETMAP_MAX_FRAGS;

    private readonly IndirectSlot[] _slots = new IndirectSlot[Places];
    private readonly bool[] _good = new bool[Places];
    private KRing? _ring;
    private byte* _memory;
    private int _placeSize;
    private int _count;
    private int _next;

    ~StagedData() => NativeMemory.Free(_memory);

    /// <summary>The thread that syncs belongs to the client: nothing but the client waits if its memory does not come.</summary>
    public bool MayWait { get; set; }

    /// <summary>A sync ended early, before a slot whose data is not here.</summary>
    public bool IsWanted { get; set; }

    public override IndirectRead Read(KRing ring, in IndirectSlot slot, byte* place, out byte* data)
    {
        data = null;
        // Asked after the slot was read: until then no other program could have written it.
        if (!program.MayFollow(ring.Memory))
            return IndirectRead.Bad;
        // Slots come in order; one that has changed meanwhile is passed over.
        for (; ring == _ring && _next < _count; _next++)
        {
            if (_slots[_next] != slot)
                continue;
            data = Place(_next);
            return _good[_next++] ? IndirectRead.Done : IndirectRead.Bad;
        }
        IsWanted = true;
        return IndirectRead.NotYet;
    }

    public override bool TryFetch(KRing ring, ref uint from)
    {
        (_ring, _count, _next) = (null, 0, 0);
        if (!IsWanted || !MayWait)
            return false;
        IsWanted = false;
        if (ring.TryEnter() != RingEntry.Entered)
            return false;
        uint position = ring.HwCur;
        int count = ring.FindIndirect(_slots);
        int size = ring.BufferSize;
        ring.Exit();
        if (position == from || count == 0 || !program.MayFollow(ring.Memory))
            return false;
        from = position;
        if (_placeSize < size)
        {
            NativeMemory.Free(_memory);
            // The system commits pages as they are touched.
            _memory = (byte*)NativeMemory.Alloc((nuint)Places * (nuint)size);
            _placeSize = size;
        }
        for (int i = 0; i < count; i++)
            _good[i] = program.Read(_slots[i].Address, new Span<byte>(Place(i), _slots[i].Length)) == Errno.Success;
        (_ring, _count) = (ring, count);
        return true;
    }

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        GC.SuppressFinalize(this);
    }

    private byte* Place(int i) => _memory + ((nint)i * _placeSize);
}
