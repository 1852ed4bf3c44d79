using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Generic;

/// <summary>
/// The receive half of one ring (spec 5.4): a bounded queue that the device fills, a mitigation timer, and the copy into
/// slots. The device may deliver from any thread; one lock, of this ring alone, guards queue and timer.
/// </summary>
internal sealed unsafe class GenericRxRing
{
    private readonly KRing _ring;
    private readonly IRxQueue _queue;
    private readonly MbufQueue _frames = new();
    private readonly Mitigation _mitigation;
    private readonly bool _importAlways;
    private readonly Lock _lock = new();
    private bool _closed;

    public GenericRxRing(KRing ring, IRxQueue queue, GenericParameters parameters)
    {
        _ring = ring;
        _queue = queue;
        _importAlways = parameters.NoPendingInterrupt;
        _mitigation = new(parameters.Clock, parameters.Mitigation);
    }

    /// <summary>
    /// What to sleep on. While the mitigation timer runs the device's descriptor is left out: frames may wait there until
    /// the timer is due.
    /// </summary>
    public DeviceWait Wait
    {
        get
        {
            TimeSpan due;
            lock (_lock)
                due = _mitigation.Remaining;
            return due == Timeout.InfiniteTimeSpan ? _queue.Wait : new(-1, 0, due > TimeSpan.Zero ? due : TimeSpan.Zero);
        }
    }

    /// <summary>generic_rx_handler: a frame arrived. Queued if there is room, and the waiters notified as mitigation allows.</summary>
    public void Receive(Mbuf frame)
    {
        bool notify;
        bool full;
        lock (_lock)
        {
            if (_closed || !_ring.On)
            {
                frame.Free();
                return;
            }
            full = _frames.Count > _ring.SlotCount;
            if (!full)
                _frames.Enqueue(frame);
            notify = _mitigation.FrameArrived();
        }
        if (full)
        {
            frame.Free();
            _ring.Counters.Drop(DropReason.ReceiveQueueFull);
        }
        if (notify)
            Notify();
    }

    /// <summary>Runs a mitigation timer that is due, then arms the device's wake-up; false when frames are waiting.</summary>
    public bool PrepareWait()
    {
        bool due;
        bool holding;
        lock (_lock)
        {
            due = _mitigation.Expire();
            holding = _mitigation.Remaining != Timeout.InfiniteTimeSpan;
        }
        if (due)
            Notify();
        return !due && (holding || _queue.PrepareWait());
    }

    /// <summary>generic_netmap_rxsync: release first, so that a full ring needs no extra sync, then import.</summary>
    public Errno Sync(SyncFlags flags)
    {
        _ring.Counters.Syncs++;
        for (uint i = _ring.HwCur; i != _ring.RHead; i = _ring.Next(i))
            _ring.ClearFlags(i, NetmapH.NS_BUF_CHANGED);
        _ring.HwCur = _ring.RHead;
        if (!_importAlways && (flags & SyncFlags.ForceRead) == 0 && !_ring.PendingInterrupt)
            return Errno.Success;
        _ring.PendingInterrupt = false;
        int free = (int)_ring.Distance(_ring.HwTail, _ring.Previous(_ring.HwCur));
        if (free == 0)
            return Errno.Success;
        Errno link = _queue.Poll(free);
        Errno import = Import(free);
        return import == Errno.Success ? link : import;
    }

    /// <summary>Stops the timer and frees what is queued: nobody has the ring open any more.</summary>
    public void Purge()
    {
        int lost;
        lock (_lock)
        {
            _mitigation.Cancel();
            lost = _frames.Purge();
        }
        if (lost > 0)
            _ring.Counters.Drop(DropReason.PortClosed, lost);
    }

    /// <summary>As <see cref="Purge"/>, for good: frames that arrive later are freed at once.</summary>
    public void Dispose()
    {
        lock (_lock)
            _closed = true;
        Purge();
    }

    private void Notify()
    {
        Interlocked.Increment(ref _ring.Counters.Irqs);
        _ring.PendingInterrupt = true;
        _ring.Waiters.Wake();
    }

    private Errno Import(int free)
    {
        int slotBytes = _ring.SlotRoom;
        while (free > 0 && Take(free, slotBytes) is { } frame)
        {
            int slots = (frame.Length + slotBytes - 1) / slotBytes;
            bool copied = Scatter(frame, slotBytes);
            int length = frame.Length;
            frame.Free();
            if (!copied)
                return BadSlot();
            free -= slots;
            _ring.Counters.Packets++;
            _ring.Counters.Bytes += length;
            if (slots > 1)
                _ring.Counters.Scattered++;
        }
        return Errno.Success;
    }

    /// <summary>The next frame if it fits the free slots; one too long for any ring state is dropped, not waited for.</summary>
    private Mbuf? Take(int free, int slotBytes)
    {
        lock (_lock)
        {
            while (_frames.First is { } frame)
            {
                if (frame.Length <= (long)free * slotBytes)
                    return _frames.Dequeue();
                if (frame.Length <= (_ring.SlotCount - 1) * slotBytes)
                    return null;
                _frames.Dequeue()!.Free();
                _ring.Counters.Drop(DropReason.FrameTooLong);
            }
            return null;
        }
    }

    /// <summary>Copies a frame over as many slots as it needs and moves hwtail; all or nothing.</summary>
    private bool Scatter(Mbuf frame, int slotBytes)
    {
        uint i = _ring.HwTail;
        int done = 0;
        while (done < frame.Length)
        {
            SlotView slot = _ring.Slot(i);
            if (slot.IsUnusable)
                return false;
            int part = Math.Min(frame.Length - done, slotBytes);
            new ReadOnlySpan<byte>(frame.Data + done, part).CopyTo(new Span<byte>(slot.Data, part));
            done += part;
            _ring.Fill(i, part, done < frame.Length ? NetmapH.NS_MOREFRAG : (ushort)0);
            i = _ring.Next(i);
        }
        _ring.HwTail = i;
        return true;
    }

    /// <summary>
    /// A slot we were to fill names no buffer: the program lost this frame. The reference also drops the rest of its
    /// batch; ours stays queued.
    /// </summary>
    private Errno BadSlot()
    {
        _ring.Counters.Drop(DropReason.BadSlot);
        _ring.Reinit();
        return Errno.EINVAL;
    }
}
