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
    private static readonly TimeSpan s_unblock = TimeSpan.FromMilliseconds(10);

    private readonly NetmapFile _file;
    private readonly Registration _bound;
    private readonly CsbMode _csb;
    private readonly TimeSpan _pause;
    private readonly KloopDescriptors? _descriptors;
    private readonly KRing[] _rings;
    private readonly IndirectData _indirect;
    private readonly Lock _lock = new();
    private readonly Bell _stop = new();
    private readonly ManualResetEventSlim _over = new();
    private volatile bool _stopping;
    private Timer? _unblocking;
    private Action? _whenOver;
    private bool _isOver;

    /// <param name="file">In CSB mode.</param>
    /// <param name="bound">Its binding.</param>
    /// <param name="csb">Where the program's indices are.</param>
    /// <param name="pause">Between rounds.</param>
    /// <param name="descriptors">To sleep on instead; null without, or when some ring has no doorbell.</param>
    public SyncKloop(NetmapFile file, Registration bound, CsbMode csb, TimeSpan pause, KloopDescriptors? descriptors)
    {
        (_file, _bound, _csb, _pause, _descriptors) = (file, bound, csb, pause, descriptors);
        _rings = [.. bound.TxRings, .. bound.RxRings];
        _indirect = IndirectData.For(csb.Program);
    }

    /// <summary>The binding it was made for.</summary>
    public Registration Bound => _bound;

    /// <summary>Ends the loop soon. Never waits.</summary>
    public void RequestStop()
    {
        _stopping = true;
        _stop.Ring();
        lock (_lock)
        {
            // The program may fill what it is told by as often as the loop's write is let go; it loses in the end, or ends itself.
            if (!_isOver && _descriptors is not null)
                _unblocking ??= new Timer(static all => ((KloopDescriptors)all!).Unblock(), _descriptors, TimeSpan.Zero, s_unblock);
        }
    }

    /// <summary>Until the loop has ended.</summary>
    public void Wait() => _over.Wait();

    /// <summary>Calls back when the loop has ended: on its thread, or at once.</summary>
    public void WhenOver(Action then)
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _whenOver += then;
                return;
            }
        }
        then();
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
            End();
        }
    }

    public void Dispose()
    {
        End();
        _stop.Dispose();
        _descriptors?.Dispose();
        (_indirect as IDisposable)?.Dispose();
    }

    private void End()
    {
        Action? then;
        lock (_lock)
        {
            _isOver = true;
            _unblocking?.Dispose();
            (then, _whenOver) = (_whenOver, null);
        }
        _over.Set();
        then?.Invoke();
    }

    private Errno Round(out bool worked)
    {
        worked = false;
        for (int i = 0; i < _rings.Length; i++)
        {
            if (!_csb.TryRead(i, out nm_csb_atok program))
                return Errno.EFAULT;
            KRing ring = _rings[i];
            if (!TrySync(ring, program, out Indices before, out Indices after))
                return Errno.EIO;
            if (_stopping)
                return Errno.Success;
            if (after == before)
                continue;
            worked = true;
            if (!_csb.TryPublish(i, after.Cur, after.Tail))
                return Errno.EFAULT;
            if (after.Tail != before.Tail && _descriptors is not null && !Tell(i, _descriptors))
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

    /// <summary>One sync, and more where slots point to memory of the program's: that is fetched in between. False when the ring is closed.</summary>
    private bool TrySync(KRing ring, in nm_csb_atok program, out Indices before, out Indices after)
    {
        (before, after) = (default, default);
        bool first = true;
        uint from = uint.MaxValue;
        do
        {
            RingEntry entry = ring.TryEnter();
            if (entry != RingEntry.Entered)
                return entry == RingEntry.Busy;
            try
            {
                if (first)
                    before = after = new(ring.HwCur, ring.HwTail);
                first = false;
                // Asked inside: where the port was closed meanwhile, the ring may be somebody else's by now.
                if (_stopping)
                    return true;
                Sync(ring, program);
                after = new(ring.HwCur, ring.HwTail);
            }
            finally
            {
                ring.Exit();
            }
        }
        while (_indirect.TryFetch(ring, ref from));
        return true;
    }

    private void Sync(KRing ring, in nm_csb_atok program)
    {
        ring.SetProgramIndices(program.head, program.cur);
        bool tx = ring.Direction == RingDirection.Tx;
        if (ring.Prologue())
            _bound.Adapter.Sync(ring, tx ? SyncFlags.ForceReclaim : SyncFlags.ForceRead, _indirect);
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

    /// <summary>Of the engine, in a ring.</summary>
    private readonly record struct Indices(uint Cur, uint Tail);
}
