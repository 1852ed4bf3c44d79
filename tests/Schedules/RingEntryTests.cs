using Netmap.Devices;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Tests.Schedules;

/// <summary>Entering, leaving, stopping and resuming a ring.</summary>
public sealed class RingEntryTests : IDisposable
{
    private readonly NetmapMemory _memory = new(1, false, MemoryGeometry.Global(new() { BufferCount = 200, RingSize = 4096 }));

    public RingEntryTests() => _memory.Activate();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void OneThreadAtATimeIsInside() => Explorer.Explore(Scenario);

    [Theory]
    [InlineData("KRing.TryEnter:CompareExchange#0", Fault.NotAtomic)]
    [InlineData("KRing.TryEnter:CompareExchange#0", Fault.NoFence)]
    [InlineData("KRing.TryEnter:VolatileRead#2", Fault.ReadsZero)]
    [InlineData("KRing.Synchronize:MemoryBarrier#0", Fault.NoFence)]
    [InlineData("KRing.Exit:VolatileWrite#0", Fault.NoFence)]
    [InlineData("KRing.Stop:VolatileWrite#0", Fault.NoStore)]
    public void ABrokenEntryIsFound(string place, Fault fault) => Explorer.MustFind(Scenario, place, fault);

    private void Scenario(Schedule schedule)
    {
        KRing ring = new(RingDirection.Tx, 0, 8, _memory, new RingCounters());
        ring.Reset();
        ring.Create("test");
        ring.Resume();
        int inside = 0;
        uint entered = 0;
        bool closed = false;
        void Sync()
        {
            for (int i = 0; i < 3; i++)
            {
                if (ring.TryEnter() != RingEntry.Entered)
                    continue;
                Assert.Equal(1, ++inside);
                Assert.False(closed, "a thread is inside a stopped ring");
                entered++;
                // What the one before left must be what this one finds.
                ring.HwCur = ring.Next(ring.HwCur);
                Assert.False(closed, "a stopped ring was not left");
                inside--;
                ring.Exit();
            }
        }

        void Close()
        {
            ring.Stop();
            closed = true;
            Assert.Equal(0, inside);
            ring.HwTail = ring.Next(ring.HwTail);
            Assert.Equal(0, inside);
            closed = false;
            ring.Resume();
        }

        schedule.Together(("a", Sync), ("b", Sync), ("closer", Close));
        Assert.Equal(entered % 8, ring.HwCur);
        ring.Destroy();
    }
}
