using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Generic;

/// <summary>
/// The transmit half of one ring (spec 5.3, non-txqdisc mode): slots are copied into mbufs and handed to the device in
/// batches. Each pool entry belongs to the slot of the same number and carries two references while its frame is in the
/// device; "sole reference" therefore means completed. A null entry was given away as the ring's completion event.
/// </summary>
internal sealed unsafe class GenericTxRing
{
    /// <summary>
    /// Frames per call of the device. The copies of a batch stay in the first-level cache until the kernel reads them.
    /// </summary>
    private const int BatchSize = 256;

    private readonly KRing _ring;
    private readonly ITxQueue _queue;
    private readonly Mbuf?[] _pool;
    private readonly Mbuf[] _batch = new Mbuf[BatchSize];
    private readonly Action<Mbuf> _completed;
    private readonly bool _gather;
    private readonly Lock _eventLock = new();
    private Mbuf? _event;

    /// <param name="ring">The kring.</param>
    /// <param name="queue">Its device queue.</param>
    /// <param name="completed">The adapter's completion callback; it asks each ring with <see cref="TryTakeEvent"/>.</param>
    /// <param name="gather">Slots joined with NS_MOREFRAG are one frame; without, each is its own (spec 5.1).</param>
    public GenericTxRing(KRing ring, ITxQueue queue, Action<Mbuf> completed, bool gather)
    {
        _gather = gather;
        _ring = ring;
        _queue = queue;
        _completed = completed;
        _pool = new Mbuf?[ring.SlotCount];
    }

    public KRing Ring => _ring;

    public DeviceWait Wait => _queue.Wait;

    /// <summary>generic_netmap_txsync: hwcur..rhead to the device, then reclaim.</summary>
    public Errno Sync(SyncFlags flags)
    {
        RingCounters counters = _ring.Counters;
        counters.Syncs++;
        Errno refusal = Errno.Success;
        while (_ring.HwCur != _ring.RHead)
        {
            int count = Fill();
            if (count == 0)
                break;
            int taken = Transmit(count, out refusal);
            if (taken == count)
                continue;
            counters.Refusals++;
            // The device has no room: ask for an event on the oldest frame it holds, look again, and go on only if that
            // freed a slot. Each round frees at least one, so this ends.
            SetEvent();
            if (Clean() == 0)
                break;
        }
        Clean();
        if (((flags & SyncFlags.ForceReclaim) != 0 || _ring.IsTxFull) && _ring.HasUncompleted)
        {
            SetEvent();
            Clean();
        }
        return refusal is Errno.ENETDOWN or Errno.ENXIO ? refusal : Errno.Success;
    }

    /// <summary>Reaps and moves hwtail over completed frames (tx_clean); how many slots that freed.</summary>
    public int Clean()
    {
        if (!_ring.HasUncompleted)
            return 0;
        _queue.Reap();
        uint i = _ring.Next(_ring.HwTail);
        int freed = 0;
        while (i != _ring.HwCur && IsCompleted(_pool[i]))
        {
            freed++;
            i = _ring.Next(i);
        }
        _ring.HwTail = _ring.Previous(i);
        return freed;
    }

    /// <summary>
    /// True when <paramref name="frame"/> is this ring's event; it is so once. Rings are searched by identity because
    /// whatever a device wrote into the mbuf meanwhile is not to be trusted (spec 5.7).
    /// </summary>
    public bool TryTakeEvent(Mbuf frame)
    {
        lock (_eventLock)
        {
            if (_event != frame)
                return false;
            _event = null;
            return true;
        }
    }

    /// <summary>
    /// Gives the pool back and detaches the callback, so that a frame completed later calls nobody (spec 5.2). Under the
    /// lock the event frame is either not yet freed, or its free waits in <see cref="TryTakeEvent"/> for us: it cannot have
    /// been recycled for another use.
    /// </summary>
    public void Dispose()
    {
        lock (_eventLock)
        {
            _event?.SetDestructor(null);
            _event = null;
        }
        foreach (Mbuf? frame in _pool)
            frame?.Free();
        Array.Clear(_pool);
        Array.Clear(_batch);
    }

    /// <summary>Copies slots from hwcur on into mbufs, up to a batch. 0 means there is no memory for the first.</summary>
    private int Fill()
    {
        int count = 0;
        int whole = 0;
        for (uint i = _ring.HwCur; i != _ring.RHead && count < BatchSize; i = _ring.Next(i), count++)
        {
            Mbuf? frame = _pool[i] ?? Replenish(i);
            if (frame is null)
                break;
            SlotView slot = _ring.Slot(i);
            int length = Math.Min(slot.Length, frame.Capacity);
            new ReadOnlySpan<byte>(slot.Data, length).CopyTo(new Span<byte>(frame.Data, length));
            frame.Length = length;
            frame.AddReferenceUnshared();
            frame.HasMore = _gather && (slot.Flags & NetmapH.NS_MOREFRAG) != 0;
            _batch[count] = frame;
            if (!frame.HasMore)
                whole = count + 1;
        }
        // A frame whose end is not here goes with the next batch, as a whole.
        for (int k = whole; k < count; k++)
            _batch[k].Free();
        return whole;
    }

    private Mbuf? Replenish(uint slot)
    {
        Mbuf? frame = _queue.Allocate();
        if (frame is null)
            return null;
        frame.Queue = _ring.Id;
        _ring.Counters.Replenished++;
        return _pool[slot] = frame;
    }

    /// <summary>Hands the batch over; slots of frames taken are finished, the others as if never tried.</summary>
    private int Transmit(int count, out Errno refusal)
    {
        RingCounters counters = _ring.Counters;
        int taken = _queue.Transmit(_batch.AsSpan(0, count), out refusal);
        uint i = _ring.HwCur;
        for (int k = 0; k < taken; k++, i = _ring.Next(i))
        {
            // A frame the device dropped has its length set to 0, and its reason counted.
            int length = _batch[k].Length;
            counters.Packets += length > 0 && !_batch[k].HasMore ? 1 : 0;
            counters.Bytes += length;
            _ring.ClearFlags(i, NetmapH.NS_REPORT | NetmapH.NS_BUF_CHANGED);
        }
        for (int k = taken; k < count; k++)
            _batch[k].Free();
        _ring.HwCur = i;
        return taken;
    }

    /// <summary>A null entry is the event's: completed once the event has fired (spec 5.7).</summary>
    private bool IsCompleted(Mbuf? entry)
    {
        if (entry is not null)
            return entry.IsSole;
        lock (_eventLock)
            return _event is null;
    }

    /// <summary>
    /// Asks for a wake-up when the first uncompleted frame is done: gives our reference away, with a callback on the last.
    /// At most one event a ring. Not on a later frame, whose completion might find the first still busy (spec 5.7).
    /// </summary>
    private void SetEvent()
    {
        if (!_ring.HasUncompleted)
            return;
        uint e = _ring.Next(_ring.HwTail);
        Mbuf? frame = _pool[e];
        if (frame is null)
            return;
        lock (_eventLock)
        {
            frame.SetDestructor(_completed);
            _event = frame;
        }
        _pool[e] = null;
        frame.Free();
    }
}
