using CsCheck;
using Netmap.Devices;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Tests.Model;

/// <summary>
/// A kring against a plain model: slot numbers without wrap-around. Random sizes, most of them no powers of two, random
/// starting indices, random operations.
/// </summary>
public sealed unsafe class KRingModelTests : IDisposable
{
    private static readonly Gen<(int Size, int Start, (int Op, int Count)[] Steps)> s_runs =
        Gen.Select(Gen.Int[2, 70], Gen.Int[0, 1000], Gen.Select(Gen.Int[0, 3], Gen.Int[0, 80]).Array[1, 60]);

    private readonly NetmapMemory _memory = new(1, false, MemoryGeometry.Global(new() { BufferCount = 200, RingSize = 4096 }));

    public KRingModelTests() => _memory.Activate();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void TransmitRings() => s_runs.Sample(run => Run(RingDirection.Tx, run.Size, run.Start, run.Steps), iter: 3000, threads: 1);

    [Fact]
    public void ReceiveRings() => s_runs.Sample(run => Run(RingDirection.Rx, run.Size, run.Start, run.Steps), iter: 3000, threads: 1);

    /// <summary>
    /// The model counts slots from 0 up: released by the program, done by the port. TX: the program may be up to size-1
    /// ahead of completion. RX: the port may be up to size-1 ahead of release.
    /// </summary>
    private void Run(RingDirection direction, int size, int start, (int Op, int Count)[] steps)
    {
        KRing ring = new(direction, 0, (uint)size, _memory, new RingCounters());
        ring.Reset((uint)(start % size));
        ring.Create("model");
        ring.Resume();
        try
        {
            Interop.netmap_ring* shared = (Interop.netmap_ring*)(_memory.Region.Address + ring.Position);
            long head = start % size;
            long tail = direction == RingDirection.Tx ? head + size - 1 : head;
            long engine = head;
            foreach ((int op, int count) in steps)
                Step(ring, shared, direction, size, op, count, ref head, ref tail, ref engine);
        }
        finally
        {
            ring.Destroy();
        }
    }

    private static void Step(KRing ring, Interop.netmap_ring* shared, RingDirection direction, int size, int op, int count,
        ref long head, ref long tail, ref long engine)
    {
        switch (op)
        {
            case 0:
                // The program uses some of what it owns.
                head += Math.Min(count, tail - head);
                shared->head = shared->cur = (uint)(head % size);
                Assert.True(ring.Prologue());
                break;
            case 1 when direction == RingDirection.Tx:
                // The port takes and completes some.
                engine += Math.Min(count, Released(ring, head, engine, size));
                ring.HwCur = (uint)(engine % size);
                ring.HwTail = ring.Previous(ring.HwCur);
                tail = engine + size - 1;
                ring.PublishTail();
                break;
            case 1:
                // The port takes back what was released, then fills some.
                engine = Validated(ring, head, engine, size);
                ring.HwCur = (uint)(engine % size);
                tail += Math.Min(count, engine + size - 1 - tail);
                ring.HwTail = (uint)(tail % size);
                ring.PublishTail();
                break;
            case 2:
                // A tail written over is put back.
                shared->tail = (uint)count;
                Assert.True(ring.Prologue());
                break;
            default:
                // A head beyond what the program owns is refused, and changes nothing.
                long wrong = tail + 1 + (count % size);
                bool illegal = wrong - size < LowestLegal(direction, head, engine) || wrong % size >= size;
                if (!illegal)
                    break;
                shared->head = shared->cur = (uint)(wrong % size);
                Assert.False(ring.Prologue());
                shared->head = shared->cur = (uint)(head % size);
                Assert.True(ring.Prologue());
                break;
        }
        Assert.Equal((uint)(tail % size), shared->tail);
        Assert.Equal((uint)(head % size), ring.RHead);
        Assert.Equal(tail - head, ring.Distance(ring.RHead, shared->tail));
        Assert.Equal(head != tail, ring.IsReady);
    }

    /// <summary>TX may not go back behind its last head; RX not behind the first slot the port still waits for.</summary>
    private static long LowestLegal(RingDirection direction, long head, long engine) => direction == RingDirection.Tx ? head : engine;

    private static long Released(KRing ring, long head, long engine, int size)
    {
        Assert.Equal(head - engine, ring.Distance((uint)(engine % size), ring.RHead));
        return head - engine;
    }

    private static long Validated(KRing ring, long head, long engine, int size) => engine + Released(ring, head, engine, size);
}
