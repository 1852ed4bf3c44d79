using System.Diagnostics;
using System.Text;

namespace Netmap.Tests.Schedules;

/// <summary>
/// One run of a scenario under a scheduler: its threads take turns, and who has the next one is decided at each place of the
/// instrumented code from the seed alone. The same seed gives the same run.
/// </summary>
internal sealed class Schedule
{
    /// <summary>Steps after which a schedule is called endless.</summary>
    private const int MostSteps = 60_000;

    private readonly List<ControlledThread> _threads = [];
    private readonly HashSet<ControlledThread> _asleep = [];
    private readonly List<(ControlledThread, bool)> _able = [];
    private readonly ManualResetEventSlim _over = new(false, 0);
    private readonly Strategy _strategy;
    private readonly bool _fine;
    private readonly List<(int Thread, int Site)>? _trace;
    private string? _failure;
    private long _time = Stopwatch.GetTimestamp();
    private readonly ulong _seed;
    private int _unwound;
    private bool _choosing;

    /// <param name="seed">All that decides.</param>
    /// <param name="lengths">Steps such a schedule has, about: with plain accesses, and without.</param>
    /// <param name="traced">Keeps what was done.</param>
    public Schedule(ulong seed, (int Fine, int Coarse) lengths, bool traced)
    {
        _seed = seed;
        Random = new(seed);
        Memory = (MemoryModel)(seed % 3);
        _fine = seed / 3 % 2 == 0;
        int length = Math.Max(_fine ? lengths.Fine : lengths.Coarse, 1);
        _strategy = (seed / 6 % 3) switch
        {
            0 => new RandomWalk(Random),
            1 => new PriorityChanges(Random, length),
            _ => new FewPreemptions(Random, length),
        };
        _trace = traced ? [] : null;
    }

    public MemoryModel Memory { get; }

    public SplitMix Random { get; }

    public int Steps { get; private set; }

    public bool IsGivenUp => _failure is not null;

    /// <summary>Runs the scenario to its end; <paramref name="body"/> is its first thread, which makes the others.</summary>
    /// <returns>What went wrong, or null.</returns>
    public string? Run(Action<Schedule> body)
    {
        ControlledThread first = Add("main", () => body(this));
        first.Thread.Start();
        first.HasStarted = true;
        first.Wake();
        if (!_over.Wait(TimeSpan.FromSeconds(60)))
            throw new InvalidOperationException($"seed {_seed}: a thread neither runs on nor waits in the scheduler; {_failure}\n{Trace()}");
        return _failure is null ? null : $"{_failure}{Environment.NewLine}{Trace()}";
    }

    /// <summary>Threads of the scenario; returns when they have all ended.</summary>
    public void Together(params (string Name, Action Run)[] parts)
    {
        ControlledThread self = ControlledThread.Current!;
        self.Buffer.Drain();
        ControlledThread[] started = [.. parts.Select(part => Start(Add(part.Name, part.Run)))];
        WaitUntil(self, 0, () => Array.TrueForAll(started, thread => thread.HasEnded));
    }

    /// <summary>Waits on behalf of the calling thread.</summary>
    public static void WaitFor(Func<bool> condition)
    {
        ControlledThread self = ControlledThread.Current!;
        self.Buffer.Drain();
        self.Schedule.WaitUntil(self, 0, condition);
    }

    /// <summary>The calling thread, of a schedule or not, has nothing to do for now.</summary>
    public static void LetOthersRun() => ControlledThread.Current?.Schedule.Pause(0);

    public Thread Adopt(ThreadStart start, int site)
    {
        ControlledThread made = Add($"thread of {Sites.NameOf(site)}", start.Invoke);
        made.HasStarted = true;
        return made.Thread;
    }

    public bool HasEnded(Thread thread) => _threads.Find(one => one.Thread == thread)!.HasEnded;

    /// <summary>Time moves by leaps: none, small and large ones.</summary>
    public long NextTime() => _time += (Random.Next(8)) switch
    {
        0 => Stopwatch.Frequency / 100,
        < 3 => Stopwatch.Frequency / 100_000,
        _ => 1,
    };

    /// <summary>Something that must not be: the schedule is over.</summary>
    public void Fail(string what)
    {
        _failure ??= what;
        _threads.ForEach(static thread => thread.Buffer.Clear());
    }

    /// <summary>A plain access, at which only half of the schedules switch.</summary>
    public void PlainPoint(ControlledThread self, int site)
    {
        if (_fine)
            Point(self, site);
    }

    /// <summary>The scheduler may let others run here.</summary>
    public void Point(ControlledThread self, int site)
    {
        // Conditions are instrumented code, perhaps, and are asked while the next thread is chosen.
        if (self.IsUnwinding || _choosing)
            return;
        Note(self, site);
        if (_threads.Count == 1)
            return;
        Switch(self, mustPause: false);
    }

    /// <summary>The thread has nothing to do but to let others run.</summary>
    /// <param name="site">Where.</param>
    /// <param name="forLock">It tries to take a lock, which it must get even on its way out.</param>
    public void Pause(int site, bool forLock = false)
    {
        ControlledThread self = ControlledThread.Current!;
        if (self.IsUnwinding && forLock)
        {
            // Whoever has the lock is on the way out, too.
            LetUnwind(self);
            return;
        }
        if (self.IsUnwinding)
            throw new ScheduleGivenUp();
        Note(self, site);
        self.Buffer.Drain();
        Switch(self, mustPause: true);
    }

    /// <summary>Sleeps until the condition holds. Other threads ask it, at any of their steps: it must not change anything.</summary>
    public void WaitUntil(ControlledThread self, int site, Func<bool> condition, bool expires = false)
    {
        if (self.IsUnwinding)
            throw new ScheduleGivenUp();
        Note(self, site);
        (self.Condition, self.Expires) = (condition, expires);
        Switch(self, mustPause: true);
    }

    /// <summary>The last step of a thread.</summary>
    public void Ended(ControlledThread self)
    {
        if (_threads.TrueForAll(thread => thread.HasEnded || !thread.HasStarted))
            _over.Set();
        else
            Next(self, mustPause: true)!.Wake();
    }

    private ControlledThread Add(string name, Action run)
    {
        ControlledThread made = new(this, _threads.Count, name, run);
        _threads.Add(made);
        _strategy.Added(made);
        return made;
    }

    private static ControlledThread Start(ControlledThread made)
    {
        made.Thread.Start();
        made.HasStarted = true;
        return made;
    }

    private void Note(ControlledThread self, int site)
    {
        if (IsGivenUp)
            GiveUp(self);
        // While there is one thread nothing is decided.
        if (_threads.Count == 1)
            return;
        _trace?.Add((self.Number, site));
        if (++Steps == MostSteps)
        {
            Fail($"no end after {MostSteps} steps");
            GiveUp(self);
        }
    }

    private void Switch(ControlledThread self, bool mustPause)
    {
        ControlledThread? next = Next(self, mustPause);
        if (next is null || next == self)
        {
            if (IsGivenUp)
                GiveUp(self);
            return;
        }
        next.Wake();
        self.AwaitTurn();
        if (IsGivenUp)
            GiveUp(self);
    }

    /// <summary>Who has the next turn. Stores reach memory on the way.</summary>
    private ControlledThread? Next(ControlledThread self, bool mustPause)
    {
        if (!mustPause && !_strategy.WantsSwitch(self, Steps))
            return self;
        while (true)
        {
            if (IsGivenUp)
                return LastLeft(self);
            (ControlledThread? thread, bool flush) = _strategy.Choose(Able(self, mustPause), self);
            if (thread is null)
            {
                if (!ExpireOne())
                    Fail($"all threads sleep: {string.Join(", ", _threads.Where(t => t.Condition is not null).Select(t => t.Name))}");
                continue;
            }
            if (flush)
            {
                _trace?.Add((thread.Number, -1));
                if (Memory == MemoryModel.PartialStoreOrder)
                    thread.Buffer.FlushAny(Random);
                else
                    thread.Buffer.FlushOldest();
                continue;
            }
            if (thread.Condition is { } condition)
            {
                _choosing = true;
                bool holds = condition();
                _choosing = false;
                if (!holds)
                {
                    _asleep.Add(thread);
                    continue;
                }
                thread.Condition = null;
            }
            _asleep.Clear();
            return thread;
        }
    }

    private List<(ControlledThread Thread, bool Flush)> Able(ControlledThread self, bool mustPause)
    {
        _able.Clear();
        foreach (ControlledThread thread in _threads)
        {
            if (thread.Buffer.Count > 0)
                _able.Add((thread, true));
            if (thread.HasStarted && !thread.HasEnded && !_asleep.Contains(thread) && !(mustPause && thread == self && thread.Condition is null))
                _able.Add((thread, false));
        }
        // Nobody else can do anything: on.
        if (_able.Count == 0 && mustPause && !self.HasEnded && self.Condition is null)
            _able.Add((self, false));
        return _able;
    }

    private bool ExpireOne()
    {
        _asleep.Clear();
        if (_threads.Find(thread => thread.Expires && thread.Condition is not null) is not { } sleeper)
            return false;
        (sleeper.Condition, sleeper.Expires) = (null, false);
        return true;
    }

    private void GiveUp(ControlledThread self)
    {
        if (self.IsUnwinding && ++_unwound < 1000)
            return;
        self.IsUnwinding = true;
        self.Condition = null;
        // The first thread takes down what the others use.
        while (self.Number == 0 && LastLeft(self) != self)
            LetUnwind(self);
        throw new ScheduleGivenUp();
    }

    private void LetUnwind(ControlledThread self)
    {
        LastLeft(self)!.Wake();
        self.AwaitTurn();
    }

    /// <summary>The youngest other thread that has not ended, or this one.</summary>
    private ControlledThread? LastLeft(ControlledThread self) =>
        _threads.FindLast(thread => thread != self && thread.HasStarted && !thread.HasEnded) ?? (self.HasEnded ? null : self);

    private string Trace()
    {
        if (_trace is null)
            return "";
        StringBuilder text = new();
        foreach ((int thread, int site) in _trace.TakeLast(150))
            text.Append(_threads[thread].Name).Append(": ").AppendLine(site < 0 ? "  a store becomes visible" : Sites.NameOf(site));
        return text.ToString();
    }
}
