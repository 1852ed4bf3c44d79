using Netmap.Adapters;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// poll(2) on an open file (spec 4): look at the rings, and between looks sleep on a bell together with the descriptors of
/// the devices below. The sync runs on the caller's thread. Several threads may poll; each has a bell of its own.
/// </summary>
internal sealed unsafe class Poller(Bells bells, NetmapEngineOptions options, IndirectData? own) : IDisposable
{
    private const short Tx = Interop.Poll.POLLOUT | Interop.Poll.POLLWRNORM;
    private const short Rx = Interop.Poll.POLLIN | Interop.Poll.POLLRDNORM;

    private Registration? _bound;
    private bool _flushOnReceive = true;
    private volatile bool _closed;

    /// <summary>The file's indices are elsewhere (CSB mode): a poll is an error.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Descriptors one sleep may need: the bell and one for each ring.</summary>
    public int MaxDescriptors => _bound is { } bound ? 1 + bound.TxRings.Length + bound.RxRings.Length : 1;

    public void Bind(Registration bound, bool flushOnReceive)
    {
        _flushOnReceive = flushOnReceive;
        Volatile.Write(ref _bound, bound);
    }

    public void Unbind() => Volatile.Write(ref _bound, null);

    /// <summary>Syncs and waits until one of <paramref name="events"/> holds or the time is up.</summary>
    /// <returns>poll(2) bits; 0 after the timeout; POLLERR alone on an unbound or closed file.</returns>
    /// <exception cref="OperationCanceledException"/>
    public short Poll(short events, TimeSpan timeout, CancellationToken cancellation)
    {
        if (bells.Rent() is not { } bell)
            return Interop.Poll.POLLERR;
        long started = options.Clock.GetTimestamp();
        // Bound meanwhile by another thread: the rings that do not fit are looked at again instead of slept on.
        int most = MaxDescriptors;
        pollfd* descriptors = stackalloc pollfd[most];
        CancellationTokenRegistration registration = default;
        try
        {
            while (true)
            {
                short found = Look(events, timeout == TimeSpan.Zero ? null : bell);
                TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - options.Clock.GetElapsedTime(started);
                if (found != 0 || (left <= TimeSpan.Zero && left != Timeout.InfiniteTimeSpan))
                    return found;
                if (cancellation.CanBeCanceled && registration == default)
                {
                    registration = cancellation.UnsafeRegister(static armed => ((Bell)armed!).Wake(), bell);
                    // Registered after the bell was armed: a token cancelled before that rang it already.
                }
                cancellation.ThrowIfCancellationRequested();
                Sleep(bell, new(descriptors, most), events, left);
            }
        }
        finally
        {
            registration.Dispose();
            bells.Return(bell);
        }
    }

    /// <summary>
    /// One pass over the rings, the bell, if any, armed before it: news that come after a ring was looked at ring it.
    /// </summary>
    /// <param name="events">What is asked for.</param>
    /// <param name="bell">Armed if there is nothing.</param>
    /// <param name="indirect">Where slots that point to memory of the program's find their data; null for this process's, on its own files.</param>
    public short Look(short events, Bell? bell, IndirectData? indirect = null)
    {
        indirect ??= own;
        bell?.Arm();
        Registration? bound = Volatile.Read(ref _bound);
        if (bound is null || _closed || IsSilent)
            return Interop.Poll.POLLERR;
        int found = 0;
        if ((events & Tx) != 0 || _flushOnReceive)
            found |= LookTx(bound, events & Tx, indirect);
        if ((events & Rx) == 0)
            return (short)found;
        found |= LookRx(bound, events & Rx);
        if (TakeForwarded(bound))
            found |= LookTx(bound, 0, indirect) | LookRx(bound, events & Rx);
        return (short)found;
    }

    /// <summary>
    /// What to sleep on: fills descriptors and shortens the time. Returns their number, or -1 when the rings should be
    /// looked at again at once.
    /// </summary>
    public int PrepareSleep(Bell bell, Span<pollfd> descriptors, short events, ref TimeSpan left)
    {
        descriptors[0] = new() { fd = bell.Descriptor, events = Interop.Poll.POLLIN };
        int count = 1;
        Registration? bound = Volatile.Read(ref _bound);
        if (bound is null)
            return count;
        bool again = false;
        if ((events & Rx) != 0)
        {
            foreach (KRing ring in bound.RxRings)
                again |= !Watch(bound.Adapter, ring, descriptors, ref count, ref left);
        }
        if ((events & Tx) != 0)
        {
            foreach (KRing ring in bound.TxRings)
                again |= !Watch(bound.Adapter, ring, descriptors, ref count, ref left);
        }
        return again ? -1 : count;
    }

    /// <summary>Whoever sleeps wakes and finds the file closed.</summary>
    public void Dispose()
    {
        _closed = true;
        bells.Dispose();
    }

    private static int LookTx(Registration bound, int wanted, IndirectData? indirect)
    {
        int found = 0;
        foreach (KRing ring in bound.TxRings)
        {
            Errno result = RingSync.TransmitIfNeeded(bound.Adapter, ring, wanted != 0 && (found & wanted) == 0, indirect, out bool ready);
            if (result != Errno.Success)
                found |= Interop.Poll.POLLERR;
            if (ready)
                found |= wanted;
        }
        return found;
    }

    private int LookRx(Registration bound, int wanted)
    {
        int found = 0;
        foreach (KRing ring in bound.RxRings)
        {
            Errno result = RingSync.Receive(bound.Adapter, ring, bound.Forwarding, options, out bool ready);
            if (result != Errno.Success)
                found |= Interop.Poll.POLLERR;
            if (ready)
                found |= wanted;
        }
        return found;
    }

    /// <summary>Frames of the host went to transmit rings and are to be sent now (spec 4).</summary>
    private static bool TakeForwarded(Registration bound)
    {
        bool any = false;
        foreach (KRing ring in bound.RxRings)
        {
            any |= ring.HasForwarded;
            ring.HasForwarded = false;
        }
        return any;
    }

    private static bool Watch(NetmapAdapter adapter, KRing ring, Span<pollfd> descriptors, ref int count, ref TimeSpan left)
    {
        // A receive ring without free slots waits for its program, not for its device.
        if (ring.Direction == RingDirection.Rx && !ring.HasFreeSlots)
            return true;
        RingEntry entry = ring.TryEnter();
        if (entry == RingEntry.Busy)
        {
            // What another thread of this ring is just publishing wakes nobody: look again when it has left.
            Thread.Yield();
            return false;
        }
        if (entry == RingEntry.Stopped)
            return true;
        bool asleep;
        DeviceWait wait;
        try
        {
            asleep = adapter.PrepareWait(ring, out wait);
        }
        finally
        {
            ring.Exit();
        }
        if (wait.Retry != Timeout.InfiniteTimeSpan && (left == Timeout.InfiniteTimeSpan || wait.Retry < left))
            left = wait.Retry;
        if (wait.Descriptor < 0)
            return asleep;
        if (count == descriptors.Length)
            return false;
        descriptors[count++] = new() { fd = wait.Descriptor, events = wait.Events };
        return asleep;
    }

    private void Sleep(Bell bell, Span<pollfd> descriptors, short events, TimeSpan left)
    {
        int count = PrepareSleep(bell, descriptors, events, ref left);
        if (count < 0)
            return;
        timespec time = new() { tv_sec = left.Ticks / TimeSpan.TicksPerSecond, tv_nsec = left.Ticks % TimeSpan.TicksPerSecond * 100 };
        fixed (pollfd* all = descriptors)
            Interop.Poll.ppoll(all, (nuint)count, left == Timeout.InfiniteTimeSpan ? null : &time);
        if (descriptors[0].revents != 0)
            bell.Drain();
    }
}
