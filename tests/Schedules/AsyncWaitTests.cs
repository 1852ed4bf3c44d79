using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Tests.Schedules;

/// <summary>Two threads that wait asynchronously on one file, which only one may do at a time, and one that has news for them.</summary>
public sealed class AsyncWaitTests
{
    private const int Waits = 2;

    [Fact]
    public void EveryWaitEndsOnceAndMisuseIsRefused() => Explorer.Explore(Scenario);

    /// <summary>A wait that had ended, but whose result was not taken yet, was begun anew by the other thread.</summary>
    [Fact]
    public void AWaitBeginsAfterTheResultOfTheLastWasTaken() => Explorer.Replay(Scenario, 23);

    [Theory]
    [InlineData("AsyncWait.Start:CompareExchange#0|AsyncWait.Start:Exchange#0", Fault.NotAtomic)]
    [InlineData("Bell.Arm:Exchange#0", Fault.NoFence)]
    [InlineData("Bell.Wake:MemoryBarrier#0", Fault.NoFence)]
    public void ABrokenWaitIsFound(string place, Fault fault) => Explorer.MustFind(Scenario, place, fault);

    private static void Scenario(Schedule schedule)
    {
        AsyncPoller? poller = new();
        using NewsLook look = new();
        AsyncWait wait = new(look, () => poller);
        void Wait()
        {
            for (int ended = 0; ended < Waits;)
            {
                ValueTask<short> task;
                try
                {
                    task = wait.Start(Poll.POLLIN, CancellationToken.None);
                }
                catch (InvalidOperationException)
                {
                    // The other one waits: refused, as documented.
                    Schedule.LetOthersRun();
                    continue;
                }
                Schedule.WaitFor(() => IsOver(task));
                Assert.Equal(Poll.POLLIN, task.GetAwaiter().GetResult());
                ended++;
            }
        }

        void Bring()
        {
            for (int i = 0; i < 2 * Waits; i++)
            {
                look.Bring();
                Schedule.LetOthersRun();
            }
        }

        schedule.Together(("a", Wait), ("b", Wait), ("news", Bring));
        Assert.Equal(0, look.Left);
        poller.Dispose();
    }

    /// <summary>A wait that was taken away from its waiter says so when the result is asked for.</summary>
    private static bool IsOver(ValueTask<short> task)
    {
        try
        {
            return task.IsCompleted;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    /// <summary>Looks at a count of news, armed as a file's rings are.</summary>
    private sealed class NewsLook : IAsyncLook, IDisposable
    {
        private readonly Bell _bell = new();
        private int _brought;
        private int _taken;

        public int MaxDescriptors => 1;

        public int Left => _brought - _taken;

        public void Bring()
        {
            // A release, as that of a ring's index; Wake fences.
            Hooks.VolatileWrite(ref _brought, _brought + 1, 0);
            _bell.Wake();
        }

        public bool Begin() => true;

        public void End() => _bell.Disarm();

        public short Look(short events, bool arm)
        {
            if (arm)
            {
                _bell.Drain();
                _bell.Arm();
            }
            while (true)
            {
                int taken = Hooks.VolatileRead(ref _taken, 0);
                if (Hooks.VolatileRead(ref _brought, 0) == taken)
                    return 0;
                if (Hooks.CompareExchange(ref _taken, taken + 1, taken, 0) == taken)
                    return Poll.POLLIN;
            }
        }

        public int PrepareSleep(Span<pollfd> descriptors, short events, ref TimeSpan left)
        {
            descriptors[0] = new() { fd = _bell.Descriptor, events = Poll.POLLIN };
            return 1;
        }

        public void Dispose() => _bell.Dispose();
    }
}
