using System.Diagnostics;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// A thread that syncs for clients. While there is traffic it looks at the pages of all sessions that had work lately: first
/// spinning, then letting others run between looks; a session that stays quiet is parked, its client rings then. With nothing
/// left to look at it sleeps, on the doorbells and on the devices of ports that clients wait for.
/// While it has work of some sessions and not of others, it lets others run now and then: the quiet ones' clients may be waiting for this
/// very processor, as a receiver does whose sender has one to itself.
/// </summary>
internal sealed unsafe class Worker : IDisposable
{
    /// <summary>Rounds after which the clock is looked at, too.</summary>
    private const int RoundsBetweenLooks = 32;

    /// <summary>Times a spin may go unrewarded before it is left out: where the clients need this processor it only keeps them from running.</summary>
    private const int SpinCredit = 8;

    /// <summary>Between two looks at doorbells and devices amid work, and between two yields: a system call each.</summary>
    private static readonly long s_turn = Stopwatch.Frequency / 50_000;

    /// <summary>Times the linger that a session may be quiet amid the work of others before it is parked.</summary>
    private const int QuietLingers = 20;

    private readonly EventLoop _loop = new();
    private readonly WakeUp _wakeUp;
    private readonly ServerLog _log;
    private readonly List<Session> _active = [];
    private readonly List<Session> _watched = [];
    private readonly long _spin;
    private readonly long _linger;
    private readonly long _quiet;
    private readonly Thread _thread;
    private pollfd[] _descriptors = new pollfd[16];
    private volatile bool _stopping;
    private Action? _gone;
    private long _served;
    private long _now = Stopwatch.GetTimestamp();
    private long _lastWork;
    private long _lastTurn;
    private int _rounds;
    private int _spinCredit = SpinCredit;
    private bool _worked;
    private bool _spins;
    private int _files;
    private long _answered;

    /// <summary>Where in <see cref="_active"/>, or in <see cref="_watched"/>, the session is whose work runs, and may throw; -1 for none.</summary>
    private int _serving = -1;
    private int _looking = -1;

    public Worker(int number, NetmapServerOptions options, ServerLog log)
    {
        _log = log;
        _wakeUp = new WakeUp(log.Survived);
        _spin = options.Spin.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond;
        _linger = Math.Max(options.Linger.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond, _spin);
        _quiet = _linger * QuietLingers;
        _loop.Add(_wakeUp);
        _thread = new Thread(Run) { IsBackground = true, Name = $"netmap worker {number}" };
        _thread.Start();
    }

    /// <summary>Syncs done so far.</summary>
    public long Served => Volatile.Read(ref _served);

    /// <summary>Open files it serves.</summary>
    public int Files => Volatile.Read(ref _files);

    /// <summary>The last number of <see cref="Ask"/> that it has come by.</summary>
    public long Answered => Volatile.Read(ref _answered);

    /// <summary>Files come and go.</summary>
    public void Count(int files) => Interlocked.Add(ref _files, files);

    /// <summary>Are you there? See <see cref="Answered"/>.</summary>
    public void Ask(long number) => _wakeUp.Post(() => Volatile.Write(ref _answered, number));

    /// <summary>Any thread: a new session, parked.</summary>
    public void Add(Session session) => _wakeUp.Post(() => Guard.Run(
        () =>
        {
            session.ServedBy = this;
            _loop.Add(session.Door, edge: true);
            // It may have posted before it was here.
            Activate(session);
        },
        problem => Fail(session, problem)));

    /// <summary>Any thread: the session is over here; <paramref name="done"/> runs on the worker when it has let go.</summary>
    public void Remove(Session session, Action done) => _wakeUp.Post(() =>
    {
        Drop(session);
        done();
    });

    /// <summary>Worker: work of this session has thrown. It gets no more, and its file ends.</summary>
    public void Fail(Session session, Exception problem)
    {
        Drop(session);
        session.Owner.Fail(problem);
    }

    /// <summary>Any thread: it ends by itself when it has done what it was told; <paramref name="gone"/> runs on it then.</summary>
    public void Retire(Action gone) => _wakeUp.Post(() => (_gone, _stopping) = (gone, true));

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
            try
            {
                Round();
            }
            catch (Exception problem)
            {
                Guard.Tell(Survive, problem);
            }
        }
        if (_gone is not { } gone)
            return;
        _loop.Dispose();
        _wakeUp.Dispose();
        gone();
    }

    /// <summary>Clients' work runs in between only: whatever that throws costs the client whose work it was.</summary>
    private void Survive(Exception problem)
    {
        Session? session = _serving >= 0 ? _active[_serving] : _looking >= 0 ? _watched[_looking] : null;
        _serving = _looking = -1;
        if (session is not null)
        {
            Fail(session, problem);
            return;
        }
        _log.Survived(problem);
        // Whatever it was may be there at once again.
        Thread.Sleep(1);
    }

    private void Round()
    {
        int served = ServeAll();
        if (served > 0)
        {
            if (_spins)
                _spinCredit = SpinCredit;
            (_spins, _worked) = (false, true);
            if (++_rounds % RoundsBetweenLooks == 0 || served < _active.Count)
                LookAround(served);
            return;
        }
        _now = Stopwatch.GetTimestamp();
        if (_worked)
            (_worked, _lastWork) = (false, _now);
        if (_now - _lastWork < _spin && MaySpin())
            Spin();
        else if (_now - _lastWork < _linger)
            Linger();
        else
            Sleep();
    }

    /// <summary>Now and then a try tells whether it pays again.</summary>
    private bool MaySpin() => _spinCredit > 0 || (_rounds & 63) == 0;

    private void Spin()
    {
        _spins = true;
        Thread.SpinWait(1);
    }

    /// <summary>One round over the pages; how many sessions had work.</summary>
    private int ServeAll()
    {
        int served = 0;
        for (int i = 0; i < _active.Count; i++)
        {
            Session session = _active[i];
            _serving = i;
            if (!session.TryServe())
                continue;
            served++;
            session.LastWork = _now;
            if (session.Watched != 0)
                Watch(session);
        }
        _serving = -1;
        _served += served;
        return served;
    }

    /// <summary>Nobody has work: clients without a processor of their own get ours.</summary>
    private void Linger()
    {
        if (_spins)
            _spinCredit--;
        _spins = false;
        Thread.Yield();
        if (++_rounds % RoundsBetweenLooks == 0)
            LookOutside();
    }

    /// <summary>Amid work of so many sessions: lets the others' clients run, and looks outside, both not too often.</summary>
    private void LookAround(int served)
    {
        _now = Stopwatch.GetTimestamp();
        if (_now - _lastTurn < s_turn)
            return;
        _lastTurn = _now;
        if (served < _active.Count)
            Thread.Yield();
        LookOutside();
    }

    /// <summary>Who has rung, which devices have news, which sessions have gone quiet.</summary>
    private void LookOutside()
    {
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
            _looking = i;
            int needed = session.Owner.File.Poller.MaxDescriptors;
            if (_descriptors.Length < count + needed)
                Array.Resize(ref _descriptors, (count + needed) * 2);
            int used = session.PrepareSleep(_descriptors.AsSpan(count, needed), ref left);
            again |= used < 0;
            count += Math.Max(used, 0);
        }
        _looking = -1;
        _descriptors[0] = new() { fd = _loop.Descriptor, events = Poll.POLLIN };
        return again ? 0 : count;
    }

    /// <summary>Ports with a device below them: software ports ring by themselves.</summary>
    private void LookAtDevices()
    {
        for (int i = _watched.Count - 1; i >= 0; i--)
        {
            Session session = _watched[i];
            _looking = i;
            if (session.HasDevices && session.LookAgain())
                Unwatch(session);
        }
        _looking = -1;
    }

    private void Drop(Session session)
    {
        _loop.Remove(session.Door);
        session.IsActive = false;
        _active.Remove(session);
        Unwatch(session);
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
