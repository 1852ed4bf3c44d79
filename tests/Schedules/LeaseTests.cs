using Netmap.Devices;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Tests.Schedules;

/// <summary>Two senders that lease runs of one ring, complete them or give them back, and the reader that collects and releases.</summary>
public sealed unsafe class LeaseTests : IDisposable
{
    private const int Packets = 6;

    private readonly NetmapMemory _memory = new(1, false, MemoryGeometry.Global(new() { BufferCount = 200, RingSize = 4096 }));

    public LeaseTests() => _memory.Activate();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void LeasesAreCollectedWholeAndInOrder() => Explorer.Explore(Scenario);

    [Theory]
    [InlineData("InboundRing.TryLease:CompareExchange#0", Fault.NotAtomic)]
    [InlineData("InboundRing.GiveBack:CompareExchange#0", Fault.NotAtomic)]
    [InlineData("InboundRing.Complete:VolatileWrite#0", Fault.NoFence)]
    [InlineData("InboundRing.Release:VolatileWrite#0", Fault.NoFence)]
    [InlineData("InboundRing.Collect:Store(Slots)#0", Fault.NoStore)]
    public void ABrokenLeaseIsFound(string place, Fault fault) => Explorer.MustFind(Scenario, place, fault);

    private void Scenario(Schedule schedule)
    {
        KRing ring = new(RingDirection.Rx, 0, 5, _memory, new RingCounters());
        ring.Reset();
        ring.Create("test");
        ring.Resume();
        InboundRing inbound = new(ring) { IsOpen = true };
        inbound.Reset(0, 0);
        int[] next = new int[2];
        int done = 0;
        void Send(int id)
        {
            bool givesBack = true;
            for (int sent = 0; sent < Packets;)
            {
                int count = Math.Min(Math.Min(1 + ((sent + id) % 2), Packets - sent), inbound.Free(out long ticket));
                if (count == 0 || !inbound.TryLease(ticket, count))
                {
                    Schedule.LetOthersRun();
                    continue;
                }
                if (sent == 2 && givesBack)
                {
                    givesBack = false;
                    inbound.GiveBack(ticket, count);
                    continue;
                }
                uint at = (uint)ticket;
                for (int i = 0; i < count; i++, at = ring.Next(at), sent++)
                    ring.Fill(at, (id * 100) + sent + 1, 0);
                inbound.Complete(ticket, count, count, count);
            }
            done++;
        }

        void Collect()
        {
            for (int got = 0; got < 2 * Packets;)
            {
                uint tail = inbound.Collect(ring.HwTail);
                if (tail == ring.HwTail)
                {
                    Schedule.LetOthersRun();
                    continue;
                }
                for (uint i = ring.HwTail; i != tail; i = ring.Next(i))
                {
                    int length = ring.Slot(i).Claimed;
                    if (length == 0)
                        continue;
                    Assert.Equal(next[length / 100]++, (length % 100) - 1);
                    // What the reader wrote last is what a sender overwrites, never the other way round.
                    ring.Fill(i, 999, 0);
                    got++;
                }
                ring.HwTail = ring.HwCur = tail;
                inbound.Release(tail);
            }
        }

        schedule.Together(("a", () => Send(0)), ("b", () => Send(1)), ("reader", Collect));
        Assert.Equal(2, done);
        Assert.Equal(2 * Packets, ring.Counters.Packets);
        Assert.Equal(4, inbound.Free(out _));
        ring.Destroy();
    }
}
