using System.Runtime.CompilerServices;

namespace Netmap.Tests.Schedules;

/// <summary>A thread of a schedule: it runs only while the scheduler has given it the turn.</summary>
internal sealed unsafe class ControlledThread
{
    [ThreadStatic]
    private static ControlledThread? t_current;

    private readonly Thread _thread;
    private bool _turn;
    private byte* _stackTop;

    public ControlledThread(Schedule schedule, int number, string name, Action run)
    {
        (Schedule, Number, Name) = (schedule, number, name);
        _thread = new Thread(() => Run(run), 512 * 1024) { IsBackground = true, Name = name };
    }

    /// <summary>The calling thread, or null where it is none of a schedule's.</summary>
    public static ControlledThread? Current => t_current;

    public Schedule Schedule { get; }

    public int Number { get; }

    public string Name { get; }

    public Thread Thread => _thread;

    public StoreBuffer Buffer { get; } = new();

    /// <summary>What it waits for; null while it can run.</summary>
    public Func<bool>? Condition { get; set; }

    /// <summary>Its wait ends when nothing else can happen.</summary>
    public bool Expires { get; set; }

    public bool HasStarted { get; set; }

    public bool HasEnded { get; private set; }

    /// <summary>The schedule is given up, and this thread is on its way out: it runs on without points.</summary>
    public bool IsUnwinding { get; set; }

    /// <summary>Priorities of the thread and of its store buffer, for the strategy that has some.</summary>
    public int Priority { get; set; }

    public int FlushPriority { get; set; }

    public bool IsOwnStack<T>(ref T place)
    {
        byte here;
        byte* address = (byte*)Unsafe.AsPointer(ref place);
        return address >= &here && address < _stackTop;
    }

    public T Read<T>(ref T place) => Buffer.TryLoad(ref place, out T value) ? value : place;

    public void Write<T>(ref T place, T value, bool release)
    {
        bool fits = typeof(T).IsValueType ? !RuntimeHelpers.IsReferenceOrContainsReferences<T>() && Unsafe.SizeOf<T>() is 1 or 2 or 4 or 8 : true;
        if (Schedule.Memory == MemoryModel.Sequential || IsUnwinding || !fits || IsOwnStack(ref place))
        {
            Buffer.Drain();
            place = value;
            return;
        }
        if (Buffer.IsFull)
            Buffer.FlushOldest();
        Buffer.Add(ref place, value, release);
    }

    /// <summary>Gives it the turn.</summary>
    public void Wake()
    {
        lock (this)
        {
            _turn = true;
            Monitor.Pulse(this);
        }
    }

    public void AwaitTurn()
    {
        lock (this)
        {
            while (!_turn)
                Monitor.Wait(this);
            _turn = false;
        }
    }

    private void Run(Action run)
    {
        byte here;
        _stackTop = &here + 256;
        AwaitTurn();
        t_current = this;
        try
        {
            if (!Schedule.IsGivenUp)
            {
                run();
                // Others may run on before its last stores are seen.
                Schedule.Point(this, 0);
            }
        }
        catch (ScheduleGivenUp)
        {
        }
        catch (Exception failure)
        {
            Schedule.Fail($"{Name}: {failure.GetType().Name}: {failure.Message}{Environment.NewLine}{failure.StackTrace}");
        }
        if (!Schedule.IsGivenUp)
            Buffer.Drain();
        t_current = null;
        HasEnded = true;
        Schedule.Ended(this);
    }
}

/// <summary>Ends the threads of a schedule in which something was found.</summary>
internal sealed class ScheduleGivenUp() : Exception("the schedule is over");
