namespace Netmap.Tests.Schedules;

/// <summary>A small generator whose numbers depend on its seed alone.</summary>
internal sealed class SplitMix(ulong seed)
{
    private ulong _state = seed;

    /// <summary>0 up to, not including, <paramref name="end"/>.</summary>
    public int Next(int end)
    {
        ulong z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return (int)((z ^ (z >> 31)) % (ulong)end);
    }
}

/// <summary>Decides who runs next.</summary>
internal abstract class Strategy
{
    public virtual void Added(ControlledThread thread)
    {
    }

    /// <summary>Asked at each step of a thread that could go on.</summary>
    public abstract bool WantsSwitch(ControlledThread self, int step);

    /// <summary>One of those that can do something: a thread's next step, or a store of its that becomes visible; null for none.</summary>
    public abstract (ControlledThread? Thread, bool Flush) Choose(List<(ControlledThread Thread, bool Flush)> able, ControlledThread self);
}

/// <summary>At each step a coin, whose weight differs from schedule to schedule.</summary>
internal sealed class RandomWalk : Strategy
{
    private readonly SplitMix _random;
    private readonly int _switches;
    private readonly int _flushes;

    public RandomWalk(SplitMix random)
    {
        _random = random;
        _switches = 2 << random.Next(5);
        _flushes = 1 << random.Next(5);
    }

    public override bool WantsSwitch(ControlledThread self, int step) => _random.Next(_switches) == 0;

    public override (ControlledThread? Thread, bool Flush) Choose(List<(ControlledThread Thread, bool Flush)> able, ControlledThread self)
    {
        int runnable = able.Count(one => !one.Flush);
        if (able.Count == 0)
            return default;
        bool flush = runnable == 0 || (runnable < able.Count && _random.Next(_flushes) == 0);
        int pick = _random.Next(flush ? able.Count - runnable : runnable);
        return able.Where(one => one.Flush == flush).ElementAt(pick);
    }
}

/// <summary>
/// Probabilistic concurrency testing: the able one of the highest priority runs, and at a few random steps the running one
/// falls to the lowest. Store buffers have priorities of their own.
/// </summary>
internal sealed class PriorityChanges : Strategy
{
    private readonly SplitMix _random;
    private readonly HashSet<int> _changes = [];
    private int _lowest;

    public PriorityChanges(SplitMix random, int length)
    {
        _random = random;
        for (int i = random.Next(6); i >= 0; i--)
            _changes.Add(random.Next(length) + 1);
    }

    public override void Added(ControlledThread thread) => (thread.Priority, thread.FlushPriority) = (_random.Next(1 << 20), _random.Next(1 << 20));

    public override bool WantsSwitch(ControlledThread self, int step)
    {
        if (_changes.Contains(step))
            self.Priority = --_lowest;
        return true;
    }

    public override (ControlledThread? Thread, bool Flush) Choose(List<(ControlledThread Thread, bool Flush)> able, ControlledThread self)
    {
        // Whoever waits or pauses comes after those that do not, or a loop would keep the others from what it waits for.
        if (able.Count > 0 && !able.Contains((self, false)))
            self.Priority = --_lowest;
        return able.Count == 0 ? default : able.MaxBy(one => one.Flush ? one.Thread.FlushPriority : one.Thread.Priority);
    }
}

/// <summary>Threads run until they wait, but for at most five preemptions at random steps; stores become visible late.</summary>
internal sealed class FewPreemptions : Strategy
{
    private readonly SplitMix _random;
    private readonly HashSet<int> _preemptions = [];
    private readonly bool _lazy;

    public FewPreemptions(SplitMix random, int length)
    {
        _random = random;
        _lazy = random.Next(3) > 0;
        for (int i = random.Next(5); i >= 0; i--)
            _preemptions.Add(random.Next(length) + 1);
    }

    public override bool WantsSwitch(ControlledThread self, int step) => _preemptions.Contains(step);

    public override (ControlledThread? Thread, bool Flush) Choose(List<(ControlledThread Thread, bool Flush)> able, ControlledThread self)
    {
        List<(ControlledThread Thread, bool Flush)> others = [.. able.Where(one => one.Thread != self && !one.Flush)];
        // One store overtakes what was to be seen before it, perhaps.
        if (able.Contains((self, true)) && _random.Next(2) == 0)
            return (self, true);
        if (!_lazy || others.Count == 0)
        {
            foreach ((ControlledThread Thread, bool Flush) one in able)
            {
                if (one.Flush)
                    return one;
            }
        }
        if (others.Count > 0)
            return others[_random.Next(others.Count)];
        return able.Count == 0 ? default : able[0];
    }
}
