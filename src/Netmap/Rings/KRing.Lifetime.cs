using Netmap.Interop;

namespace Netmap.Rings;

/// <content>Users of the ring, and its coming and going in shared memory.</content>
internal sealed unsafe partial class KRing
{
    /// <summary>Counts an open file in, or refuses it (spec 2.6).</summary>
    public bool CanBind(bool exclusive) => !Exclusive && !(exclusive && Users > 0);

    public void Bind(bool exclusive)
    {
        Users++;
        Exclusive |= exclusive;
    }

    /// <summary>Counts an open file out; true when it was the last.</summary>
    public bool Unbind(bool exclusive)
    {
        if (exclusive)
            Exclusive = false;
        return --Users == 0;
    }

    /// <summary>
    /// Makes the ring in shared memory, with the engine's present indices: a ring reopened while the adapter stayed
    /// active goes on where it was (spec 2.1). It stays stopped: what moves its packets may not exist yet.
    /// <see cref="Resume"/> follows when all of the port does.
    /// </summary>
    /// <param name="port">For errors.</param>
    /// <param name="fake">A ring no packet passes: all slots keep buffer 0.</param>
    /// <exception cref="NetmapException">ENOMEM; nothing is left behind.</exception>
    public void Create(string port, bool fake = false)
    {
        long position = Memory.AllocateRing((int)SlotCount, port);
        netmap_ring* ring = (netmap_ring*)(Memory.Region.Address + position);
        try
        {
            if (!fake)
                Memory.AllocateBuffers(new Span<netmap_slot>(ring + 1, (int)SlotCount), port);
        }
        catch
        {
            Memory.FreeRing(position);
            throw;
        }
        ring->buf_ofs = Memory.BufferPoolOffset - position;
        ring->num_slots = SlotCount;
        ring->nr_buf_size = (uint)BufferSize;
        ring->ringid = (ushort)Id;
        ring->dir = (ushort)Direction;
        ring->head = RHead;
        ring->cur = RCur;
        ring->tail = _rtail;
        ring->offset_mask = Offsets.Mask;
        Position = position;
        _slots = (netmap_slot*)(ring + 1);
        _buffers = Memory.Buffers;
        _ring = ring;
    }

    /// <summary>Gives the ring and the buffers its slots name back to the memory.</summary>
    public void Destroy()
    {
        if (_ring == null)
            return;
        Stop();
        Memory.FreeBuffers(new ReadOnlySpan<netmap_slot>(_slots, (int)SlotCount));
        DestroyFake();
    }

    /// <summary>Turns offsets on; the ring exists.</summary>
    /// <param name="offsets">Mask and maximum.</param>
    /// <param name="initial">For all slots but those with frames not read yet; null leaves them as they are.</param>
    public void UseOffsets(SlotOffsets offsets, ulong? initial)
    {
        Offsets = offsets;
        _ring->offset_mask = offsets.Mask;
        if (initial is not { } value)
            return;
        // Frames wait where the other end of a pipe opened first.
        uint filled = Direction == RingDirection.Rx ? Distance(HwCur, HwTail) : 0;
        for (uint i = Direction == RingDirection.Rx ? HwTail : 0, left = SlotCount - filled; left > 0; left--, i = Next(i))
            _slots[i].ptr = value;
    }

    /// <summary>As <see cref="Destroy"/>, for a ring whose buffers belong to another one.</summary>
    public void DestroyFake()
    {
        if (_ring == null)
            return;
        Stop();
        Memory.FreeRing(Position);
        _ring = null;
        _slots = null;
        Position = -1;
        Offsets = default;
    }

    /// <summary>
    /// Before a ring of an active adapter is made anew: what lay in it, unread or unsent, went with its buffers. The indices
    /// go on from there.
    /// </summary>
    /// <returns>Slots lost.</returns>
    public uint Forget()
    {
        bool tx = Direction == RingDirection.Tx;
        uint lost = tx ? Distance(HwCur, RHead) : Distance(RHead, HwTail);
        Reset(tx ? RHead : HwTail);
        return lost;
    }

    /// <summary>Sets the indices of a fresh adapter: all slots free for TX, none filled for RX (spec 2.1).</summary>
    public void Reset(uint start = 0)
    {
        RHead = RCur = HwCur = start;
        _rtail = HwTail = Direction == RingDirection.Tx ? RingIndex.Previous(start, _lim) : start;
        PendingInterrupt = false;
    }
}
