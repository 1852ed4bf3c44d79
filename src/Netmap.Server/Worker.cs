using System.Diagnostics;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// A thread that syncs for clients. While there is traffic it looks at the pages of all sessions that had work lately: first
/// spinning, then letting others run between looks; a session that stays quiet is parked, its client rings then. With nothing
/// left to look at it sleeps, on the doorbells and on the devices of ports that clients wait for.
/// </summary>
internal sealed unsafe class Worker : IDisposable
{
    /// <summary>Rounds after which the doorbells are looked at, too.</summary>
    private const int RoundsBetweenTurns = 32;

    /// <summary>Times the linger that a session may be quiet amid the work of others before it is parked.</summary>
    private const int QuietLingers = 20;

    private readonly EventLoop _loop = new();
    private readonly WakeUp _wakeUp = new();
    private readonly List<Session> _active = [];
    private readonly List<Session> _watched = [];
    private readonly long _spin;
    private readonly long _linger;
    private readonly long _quiet;
    private readonly Thread _thread;
    private pollfd[] _descriptors = new pollfd[16];
    private volatile bool _stopping;
    private long _served;
    private long _now = Stopwatch.GetTimestamp();
    private long _lastWork;
    private int _rounds;
    private bool _worked;

    public Worker(int number, NetmapServerOptions options)
    {
        _spin = options.Spin.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond;
        _linger = Math.Max(options.Linger.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond, _spin);
        _quiet = _linger * QuietLingers;
        _loop.Add(_wakeUp);
        _thread = new Thread(Run) { IsBackground = true, Name = $"netmap worker {number}" };
        _thread.Start();
    }

    /// <summary>Syncs done so far.</summary>
    public long Served => Volatile.Read(ref _served);

    /// <summary>Open files it serves; the control thread counts.</summary>
    public int Files { get; set; }

    /// <summary>Control thread: a new session, parked.</summary>
    public void Add(Session session) => _wakeUp.Post(() =>
    {
        _loop.Add(session.Door, edge: true);
        // It may have posted before it was here.
        Activate(session);
    });

    /// <summary>Control thread: the session is over; <paramref name="done"/> runs on the worker when it has let go.</summary>
    public void Remove(Session session, Action done) => _wakeUp.Post(() =>
    {
        _loop.Remove(session.Door);
        _active.Remove(session);
        Unwatch(session);
        done();
    });

    /// <summary>Worker: its page is looked at from now on.</summary>
    public void Activate(Session session)
    {
        session.LastWork = _now;
        if (session.IsActive)
            return;
        session.IsActive = true;
        session.Unpark();
        _active.Add(session);
    }

    public void Dispose()
    {
        _wakeUp.Post(() => _stopping = true);
        _thread.Join();
        _loop.Dispose();
        _wakeUp.Dispose();
    }

    private void Run()
    {
        while (!_stopping)
        {
            if (ServeAll())
            {
                _worked = true;
                if (++_rounds % RoundsBetweenTurns == 0)
                    LookOutside();
                continue;
            }
            _now = Stopwatch.GetTimestamp();
            if (_worked)
                (_worked, _lastWork) = (false, _now);
            if (_now - _lastWork < _spin)
                Thread.SpinWait(1);
            else if (_now - _lastWork < _linger)
                Linger();
            else
                Sleep();
        }
    }

    /// <summary>One round over the pages; true when some session had work.</summary>
    private bool ServeAll()
    {
        bool worked = false;
        for (int i = 0; i < _active.Count; i++)
        {
            Session session = _active[i];
            if (!session.TryServe())
                continue;
            worked = true;
            _served++;
            session.LastWork = _now;
            if (session.Watched != 0)
                Watch(session);
        }
        return worked;
    }

    /// <summary>Nobody has work: clients without a processor of their own get ours.</summary>
    private void Linger()
    {
        Thread.Yield();
        if (++_rounds % RoundsBetweenTurns == 0)
            LookOutside();
    }

    /// <summary>Amid work: who has rung, which devices have news, which sessions have gone quiet.</summary>
    private void LookOutside()
    {
        _now = Stopwatch.GetTimestamp();
        ParkQuiet(_quiet);
        _loop.Turn(0);
        LookAtDevices();
    }

    /// <summary>Parks sessions without work for so long; the clock's ticks.</summary>
    private void ParkQuiet(long quiet)
    {
        for (int i = _active.Count - 1; i >= 0; i--)
        {
            Session session = _active[i];
            if (_now - session.LastWork < quiet || !session.TryPark())
                continue;
            session.IsActive = false;
            _active.RemoveAt(i);
        }
    }

    private void Sleep()
    {
        ParkQuiet(0);
        if (_active.Count > 0)
            return;
        TimeSpan left = Timeout.InfiniteTimeSpan;
        int count = Collect(ref left);
        if (count > 0)
        {
            timespec time = new() { tv_sec = left.Ticks / TimeSpan.TicksPerSecond, tv_nsec = left.Ticks % TimeSpan.TicksPerSecond * 100 };
            fixed (pollfd* all = _descriptors)
                Poll.ppoll(all, (nuint)count, left == Timeout.InfiniteTimeSpan ? null : &time);
        }
        _now = _lastWork = Stopwatch.GetTimestamp();
        _loop.Turn(0);
        LookAtDevices();
    }

    /// <summary>What to sleep on: our own loop first; 0 when some port should be looked at again at once.</summary>
    private int Collect(ref TimeSpan left)
    {
        int count = 1;
        bool again = false;
        for (int i = _watched.Count - 1; i >= 0; i--)
        {
            Session session = _watched[i];
            if (!session.Bell.IsArmed)
            {
                Unwatch(session);
                continue;
            }
            int needed = session.Owner.File.Poller.MaxDescriptors;
            if (_descriptors.Length < count + needed)
                Array.Resize(ref _descriptors, (count + needed) * 2);
            int used = session.PrepareSleep(_descriptors.AsSpan(count, needed), ref left);
            again |= used < 0;
            count += Math.Max(used, 0);
        }
        _descriptors[0] = new() { fd = _loop.Descriptor, events = Poll.POLLIN };
        return again ? 0 : count;
    }

    /// <summary>Ports with a device below them: software ports ring by themselves.</summary>
    private void LookAtDevices()
    {
        for (int i = _watched.Count - 1; i >= 0; i--)
        {
            Session session = _watched[i];
            if (session.HasDevices && session.LookAgain())
                Unwatch(session);
        }
    }

    private void Watch(Session session)
    {
        if (session.IsWatched)
            return;
        session.IsWatched = true;
        _watched.Add(session);
    }

    private void Unwatch(Session session)
    {
        session.IsWatched = false;
        _watched.Remove(session);
    }
}
