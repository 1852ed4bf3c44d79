using CsCheck;
using Netmap.Devices;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Tests.Model;

/// <summary>
/// Leases on a ring: against a plain list, in random orders of lease, complete, give back and collect; and from several
/// threads at once. Sizes that are no powers of two, random starting places.
/// </summary>
public sealed unsafe class InboundRingModelTests : IDisposable
{
    private static readonly Gen<(int Size, int Start, (int Op, int Count)[] Steps)> s_runs =
        Gen.Select(Gen.Int[2, 40], Gen.Int[0, 1000], Gen.Select(Gen.Int[0, 5], Gen.Int[1, 20]).Array[1, 100]);

    private readonly NetmapMemory _memory = new(1, false, MemoryGeometry.Global(new() { BufferCount = 200, RingSize = 4096 }));

    public InboundRingModelTests() => _memory.Activate();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void LeasesAreCollectedInTheirOrder() => s_runs.Sample(run => Run(run.Size, run.Start, run.Steps), iter: 3000, threads: 1);

    [Fact]
    public void SendersOnManyThreadsLoseAndMixUpNothing()
    {
        const int Senders = 3;
        const int Packets = 100_000;
        KRing ring = Make(37, 5);
        InboundRing inbound = new(ring) { IsOpen = true };
        inbound.Reset(ring.HwTail, ring.HwCur);
        Thread[] threads = [.. Enumerable.Range(0, Senders).Select(id => new Thread(() => Send(inbound, id, Packets)) { IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        int[] next = new int[Senders];
        for (int got = 0; got < Senders * Packets;)
        {
            uint tail = inbound.Collect(ring.HwTail);
            for (; ring.HwTail != tail; ring.HwTail = ring.Next(ring.HwTail), got++)
            {
                int* frame = (int*)ring.Slot(ring.HwTail).Data;
                Assert.Equal(next[frame[0]]++, frame[1]);
            }
            ring.HwCur = tail;
            inbound.Release(tail);
            Thread.Yield();
        }
        foreach (Thread thread in threads)
            thread.Join();
        Assert.All(next, count => Assert.Equal(Packets, count));
        Assert.Equal(Senders * Packets, ring.Counters.Packets);
        ring.Destroy();
    }

    private static void Send(InboundRing inbound, int id, int packets)
    {
        Random random = new(id);
        for (int sent = 0; sent < packets;)
        {
            int count = Math.Min(Math.Min(random.Next(1, 9), packets - sent), inbound.Free(out long ticket));
            if (count == 0 || !inbound.TryLease(ticket, count))
            {
                Thread.Yield();
                continue;
            }
            uint at = (uint)ticket;
            for (int i = 0; i < count; i++, at = inbound.Ring.Next(at))
            {
                int* frame = (int*)inbound.Ring.Slot(at).Data;
                (frame[0], frame[1]) = (id, sent++);
            }
            inbound.Complete(ticket, count, count, count * 8);
        }
    }

    /// <summary>The model: leases in their order, each open, complete or given back; the reader sees the complete ones before the first open one.</summary>
    private void Run(int size, int start, (int Op, int Count)[] steps)
    {
        KRing ring = Make(size, (uint)(start % size));
        try
        {
            Run(ring, size, steps);
        }
        finally
        {
            ring.Destroy();
        }
    }

    private static void Run(KRing ring, int size, (int Op, int Count)[] steps)
    {
        InboundRing inbound = new(ring);
        inbound.Reset(ring.HwTail, ring.HwCur);
        List<(long Ticket, int Slots, bool Done)> leases = [];
        int unread = 0;
        // The lease nobody has leased or given back after.
        long newest = -1;
        foreach ((int op, int count) in steps)
        {
            int free = size - 1 - unread - leases.Sum(lease => lease.Slots);
            Assert.Equal(free, inbound.Free(out long ticket));
            switch (op)
            {
                case 0 or 1 when free >= count:
                    Assert.True(inbound.TryLease(ticket, count));
                    // Somebody else's old look at the ring is no use any more.
                    Assert.False(inbound.TryLease(ticket, count));
                    leases.Add((ticket, count, false));
                    newest = ticket;
                    break;
                case 2 when leases.FindIndex(lease => !lease.Done) is >= 0 and var at:
                    at = leases.FindLastIndex(lease => !lease.Done) is var last && count % 2 == 0 ? last : at;
                    inbound.Complete(leases[at].Ticket, leases[at].Slots, 1, 60);
                    leases[at] = leases[at] with { Done = true };
                    break;
                case 3 when leases.FindLastIndex(lease => !lease.Done) is >= 0 and var at:
                    inbound.GiveBack(leases[at].Ticket, leases[at].Slots);
                    if (leases[at].Ticket != newest)
                        leases[at] = leases[at] with { Done = true };
                    else
                        leases.RemoveAt(at);
                    newest = leases.Count > at ? newest : -1;
                    break;
                case 4:
                    int done = leases.TakeWhile(lease => lease.Done).Count();
                    int slots = leases.Take(done).Sum(lease => lease.Slots);
                    uint tail = inbound.Collect(ring.HwTail);
                    Assert.Equal((uint)slots, ring.Distance(ring.HwTail, tail));
                    ring.HwTail = tail;
                    unread += slots;
                    leases.RemoveRange(0, done);
                    break;
                case 5:
                    int released = Math.Min(count, unread);
                    ring.HwCur = ring.Advance(ring.HwCur, (uint)released);
                    inbound.Release(ring.HwCur);
                    unread -= released;
                    break;
            }
        }
    }

    private KRing Make(int size, uint start)
    {
        KRing ring = new(RingDirection.Rx, 0, (uint)size, _memory, new RingCounters());
        ring.Reset(start);
        ring.Create("model");
        ring.Resume();
        return ring;
    }
}
