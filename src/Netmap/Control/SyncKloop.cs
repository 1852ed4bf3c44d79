using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// The sync loop of a file in CSB mode (spec 10), on the thread that asked for it: all transmit, then all receive rings, until
/// it is stopped. Without descriptors it pauses between rounds; with them it sleeps until the program or the port has news.
/// </summary>
internal sealed class SyncKloop : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(3);

    private readonly NetmapFile _file;
    private readonly Registration _bound;
    private readonly CsbMode _csb;
    private readonly TimeSpan _pause;
    private readonly KloopDescriptors? _descriptors;
    private readonly KRing[] _rings;
    private readonly Bell _stop = new();
    private readonly ManualResetEventSlim _over = new();
    private volatile bool _stopping;

    /// <param name="file">In CSB mode.</param>
    /// <param name="bound">Its binding.</param>
    /// <param name="csb">Where the program's indices are.</param>
    /// <param name="pause">Between rounds.</param>
    /// <param name="descriptors">To sleep on instead; null without, or when some ring has no doorbell.</param>
    public SyncKloop(NetmapFile file, Registration bound, CsbMode csb, TimeSpan pause, KloopDescriptors? descriptors)
    {
        (_file, _bound, _csb, _pause, _descriptors) = (file, bound, csb, pause, descriptors);
        _rings = [.. bound.TxRings, .. bound.RxRings];
    }

    /// <summary>Ends the loop, and waits until it has ended.</summary>
    public void Stop()
    {
        RequestStop();
        _over.Wait();
    }

    /// <summary>The binding it was made for.</summary>
    public Registration Bound => _bound;

    public void RequestStop()
    {
        _stopping = true;
        _stop.Ring();
    }

    /// <returns>Success when it was stopped; EFAULT the program's memory is gone; EIO the port is.</returns>
    public Errno Run()
    {
        try
        {
            Errno result = Kick(needed: false);
            while (result == Errno.Success && !_stopping)
            {
                result = Round(out bool worked);
                if (result == Errno.Success && !worked)
                    result = Rest();
            }
            return result;
        }
        finally
        {
            _over.Set();
        }
    }

    public void Dispose()
    {
        _stop.Dispose();
        _descriptors?.Dispose();
    }

    private Errno Round(out bool worked)
    {
        worked = false;
        for (int i = 0; i < _rings.Length; i++)
        {
            if (!_csb.TryRead(i, out nm_csb_atok program))
                return Errno.EFAULT;
            KRing ring = _rings[i];
            RingEntry entry = ring.TryEnter();
            if (entry == RingEntry.Stopped)
                return Errno.EIO;
            if (entry == RingEntry.Busy)
                continue;
            (uint cur, uint tail) before = (ring.HwCur, ring.HwTail);
            (uint cur, uint tail) after;
            try
            {
                // Asked inside: where the port was closed meanwhile, the ring may be somebody else's by now.
                if (_stopping)
                    return Errno.Success;
                Sync(_bound.Adapter, ring, program);
                after = (ring.HwCur, ring.HwTail);
            }
            finally
            {
                ring.Exit();
            }
            if (after == before)
                continue;
            worked = true;
            if (!_csb.TryPublish(i, after.cur, after.tail))
                return Errno.EFAULT;
            if (after.tail != before.tail && _descriptors is not null && !Tell(i, _descriptors))
                return Errno.EFAULT;
        }
        return Errno.Success;
    }

    /// <summary>Tells the program that a tail has moved, if it waits for that now: it may have begun to since this round read its indices.</summary>
    private bool Tell(int i, KloopDescriptors descriptors)
    {
        // Full fence: the tail is there before we ask; pairs with the program's between appl_need_kick and its last look at hwtail.
        Interlocked.MemoryBarrier();
        if (!_csb.TryRead(i, out nm_csb_atok program))
            return false;
        if (program.appl_need_kick != 0)
            descriptors.Notify(i);
        return true;
    }

    private static void Sync(NetmapAdapter adapter, KRing ring, in nm_csb_atok program)
    {
        ring.SetProgramIndices(program.head, program.cur);
        bool tx = ring.Direction == RingDirection.Tx;
        if (ring.Prologue())
            adapter.Sync(ring, tx ? SyncFlags.ForceReclaim : SyncFlags.ForceRead);
        else
            ring.Reinit();
        ring.PublishTail();
    }

    /// <summary>Nothing to do: pauses, or sleeps with kicks on, after one more look.</summary>
    private Errno Rest()
    {
        if (_descriptors is null)
            return Pause();
        if (_file.Bells.Rent() is not { } bell)
            return Errno.EIO;
        try
        {
            bell.Arm();
            Errno result = Kick(needed: true);
            bool worked = false;
            if (result == Errno.Success)
                result = Round(out worked);
            if (result == Errno.Success && !worked && !_stopping)
                _descriptors.Sleep(_file.Poller, bell, _stop, s_longest);
            return result == Errno.Success ? Kick(needed: false) : result;
        }
        finally
        {
            bell.Drain();
            _file.Bells.Return(bell);
        }
    }

    private unsafe Errno Pause()
    {
        pollfd wait = new() { fd = _stop.Descriptor, events = Poll.POLLIN };
        timespec time = new() { tv_sec = _pause.Ticks / TimeSpan.TicksPerSecond, tv_nsec = _pause.Ticks % TimeSpan.TicksPerSecond * 100 };
        Poll.ppoll(&wait, 1, &time);
        return Errno.Success;
    }

    private Errno Kick(bool needed)
    {
        for (int i = 0; i < _rings.Length; i++)
        {
            if (!_csb.TryNeedKick(i, needed))
                return Errno.EFAULT;
        }
        return Errno.Success;
    }
}
