using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Netmap.Tests.Schedules;

/// <summary>
/// What instrumented code calls in place of its memory accesses. On a thread of a schedule each is a place where the scheduler may let
/// another thread run; on every other thread it does just what was written.
/// </summary>
public static unsafe class Hooks
{
    public static T Load<T>(ref T place, int site)
    {
        if (ControlledThread.Current is not { } self || self.IsOwnStack(ref place))
            return place;
        self.Schedule.PlainPoint(self, site);
        return self.Read(ref place);
    }

    public static void Store<T>(ref T place, T value, int site)
    {
        if (ControlledThread.Current is not { } self || self.IsOwnStack(ref place))
        {
            place = value;
            return;
        }
        self.Schedule.PlainPoint(self, site);
        if (Sites.FaultAt(site) != Fault.NoStore)
            self.Write(ref place, value, release: false);
    }

    public static T VolatileRead<T>(ref readonly T location, int site)
    {
        ref T place = ref Unsafe.AsRef(in location);
        if (ControlledThread.Current is not { } self)
        {
            T value = place;
            Volatile.ReadBarrier();
            return value;
        }
        self.Schedule.Point(self, site);
        T read = self.Read(ref place);
        return Sites.FaultAt(site) == Fault.ReadsZero ? default! : read;
    }

    public static void VolatileWrite<T>(ref T place, T value, int site)
    {
        if (ControlledThread.Current is not { } self)
        {
            Volatile.WriteBarrier();
            place = value;
            return;
        }
        self.Schedule.Point(self, site);
        Fault fault = Sites.FaultAt(site);
        if (fault != Fault.NoStore)
            self.Write(ref place, value, release: fault != Fault.NoFence);
        self.Schedule.Point(self, site);
    }

    public static T Exchange<T>(ref T place, T value, int site) => Change(ref place, site, value, default!, static (_, value, _) => value);

    public static T CompareExchange<T>(ref T place, T value, T comparand, int site) => Change(ref place, site, value, comparand,
        static (old, value, comparand) => EqualityComparer<T>.Default.Equals(old, comparand) ? value : old);

    public static T Increment<T>(ref T place, int site)
        where T : INumberBase<T> => Add(ref place, T.One, site);

    public static T Decrement<T>(ref T place, int site)
        where T : INumberBase<T> => Add(ref place, -T.One, site);

    public static T Add<T>(ref T place, T value, int site)
        where T : INumberBase<T> => Change(ref place, site, value, default!, static (old, value, _) => unchecked(old + value)) + value;

    public static T And<T>(ref T place, T value, int site)
        where T : IBitwiseOperators<T, T, T> => Change(ref place, site, value, default!, static (old, value, _) => old & value);

    public static T Or<T>(ref T place, T value, int site)
        where T : IBitwiseOperators<T, T, T> => Change(ref place, site, value, default!, static (old, value, _) => old | value);

    public static void MemoryBarrier(int site)
    {
        if (ControlledThread.Current is not { } self)
        {
            Interlocked.MemoryBarrier();
            return;
        }
        self.Schedule.Point(self, site);
        if (Sites.FaultAt(site) == Fault.None)
            self.Buffer.Drain();
    }

    /// <summary>Into code that is not instrumented: library calls, system calls, locks. All stores before it are seen.</summary>
    public static void Leave()
    {
        if (ControlledThread.Current is not { Buffer.Count: > 0 } self)
            return;
        self.Schedule.Point(self, 0);
        self.Buffer.Drain();
    }

    public static void MonitorEnter(object monitor, ref bool taken, int site)
    {
        if (ControlledThread.Current is not { } self)
        {
            Monitor.Enter(monitor, ref taken);
            return;
        }
        self.Schedule.Point(self, site);
        self.Buffer.Drain();
        while (!Monitor.TryEnter(monitor))
            self.Schedule.Pause(site, forLock: true);
        taken = true;
    }

    public static Lock.Scope EnterScope(Lock @lock, int site)
    {
        if (ControlledThread.Current is not { } self)
            return @lock.EnterScope();
        self.Schedule.Point(self, site);
        self.Buffer.Drain();
        while (!@lock.TryEnter())
            self.Schedule.Pause(site, forLock: true);
        Lock.Scope scope = @lock.EnterScope();
        @lock.Exit();
        return scope;
    }

    public static bool ThreadYield(int site)
    {
        ControlledThread.Current?.Schedule.Pause(site);
        return true;
    }

    public static void ThreadSpinWait(int iterations, int site) => ControlledThread.Current?.Schedule.Pause(site);

    public static void SpinOnce(ref SpinWait spin, int site)
    {
        if (ControlledThread.Current is { } self)
            self.Schedule.Pause(site);
        else
            spin.SpinOnce();
    }

    /// <summary>A thread that controlled code makes is controlled, too.</summary>
    public static Thread NewThread(ThreadStart start, int site) =>
        ControlledThread.Current is { } self ? self.Schedule.Adopt(start, site) : new Thread(start);

    public static void Join(Thread thread, int site)
    {
        if (ControlledThread.Current is { } self)
            self.Schedule.WaitUntil(self, site, () => self.Schedule.HasEnded(thread));
        else
            thread.Join();
    }

    public static long Timestamp(int site) => ControlledThread.Current is { } self ? self.Schedule.NextTime() : Stopwatch.GetTimestamp();

    /// <summary>
    /// Sleeps until one of the descriptors is ready. A timeout expires only when no thread can do anything else: time is no help
    /// where a wake-up was lost, and a test that needs one says so.
    /// </summary>
    public static void BeforePoll(void* descriptors, nuint count, void* timeout, int site)
    {
        if (ControlledThread.Current is not { } self)
            return;
        Leave();
        self.Schedule.WaitUntil(self, site, () => IsReady((Interop.pollfd*)descriptors, count), expires: timeout != null);
        if (timeout != null)
            *(Interop.timespec*)timeout = default;
    }

    public static Vector256<ulong> Vector256Load(ulong* from, int site) => Vector256.Create(Load(ref from[0], site), Load(ref from[1], site),
        Load(ref from[2], site), Load(ref from[3], site));

    public static Vector128<ulong> Vector128Load(ulong* from, int site) => Vector128.Create(Load(ref from[0], site), Load(ref from[1], site));

    public static void Vector256Store(Vector256<ulong> value, ulong* to, int site)
    {
        for (int i = 0; i < 4; i++)
            Store(ref to[i], value[i], site);
    }

    public static void Vector128Store(Vector128<ulong> value, ulong* to, int site)
    {
        for (int i = 0; i < 2; i++)
            Store(ref to[i], value[i], site);
    }

    /// <summary>One atomic operation. Controlled threads run one at a time, so a load and a store without a point between are atomic.</summary>
    private static T Change<T>(ref T place, int site, T value, T comparand, Func<T, T, T, T> next)
    {
        if (ControlledThread.Current is not { } self)
            return Atomically(ref place, value, comparand, next);
        self.Schedule.Point(self, site);
        Fault fault = Sites.FaultAt(site);
        if (fault != Fault.NoFence)
            self.Buffer.Drain();
        T old = self.Read(ref place);
        if (fault == Fault.NotAtomic)
            self.Schedule.Point(self, site);
        if (fault != Fault.NoStore)
            self.Write(ref place, next(old, value, comparand), release: true);
        if (fault != Fault.NoFence)
            self.Buffer.Drain();
        self.Schedule.Point(self, site);
        return fault == Fault.ReadsZero ? default! : old;
    }

    private static bool IsReady(Interop.pollfd* descriptors, nuint count)
    {
        Interop.timespec none = default;
        return Interop.Poll.ppoll(descriptors, count, &none).Value > 0;
    }

    private static T Atomically<T>(ref T place, T value, T comparand, Func<T, T, T, T> next)
    {
        while (true)
        {
            T old = place;
            T wanted = next(old, value, comparand);
            bool done = typeof(T).IsValueType
                ? Unsafe.SizeOf<T>() switch
                {
                    1 => Swap<T, byte>(ref place, old, wanted),
                    2 => Swap<T, ushort>(ref place, old, wanted),
                    4 => Swap<T, uint>(ref place, old, wanted),
                    _ => Swap<T, ulong>(ref place, old, wanted),
                }
                : Interlocked.CompareExchange(ref Unsafe.As<T, object?>(ref place), wanted, old) == (object?)old;
            if (done)
                return old;
        }
    }

    private static bool Swap<T, TBits>(ref T place, T old, T wanted)
        where TBits : unmanaged
    {
        TBits was = Unsafe.As<T, TBits>(ref old);
        TBits found = Interlocked.CompareExchange(ref Unsafe.As<T, TBits>(ref place), Unsafe.As<T, TBits>(ref wanted), was);
        return MemoryMarshal.AsBytes(new ReadOnlySpan<TBits>(ref found)).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<TBits>(ref was)));
    }
}
