using CsCheck;

namespace Netmap.Tests.Model;

/// <summary>
/// Two ports on a wire against a plain queue: whatever the order of sends, syncs and receives, frames arrive once, in
/// order, with their bytes, or are counted as dropped.
/// </summary>
public sealed class WireModelTests
{
    private static readonly Gen<(int Slots, (int Op, int Count)[] Steps)> s_runs =
        Gen.Select(Gen.Int[3, 50], Gen.Select(Gen.Int[0, 3], Gen.Int[0, 40]).Array[1, 80]);

    [Fact]
    public void FramesArriveOnceInOrder() => s_runs.Sample(run => Run(run.Slots, run.Steps), iter: 300, threads: 1);

    private static void Run(int slots, (int Op, int Count)[] steps)
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferCount = 400 });
        engine.AddMemoryPair("a", "b", new MemoryPairOptions { Slots = slots });
        using NetmapPort tx = NetmapPort.Open("netmap:a", engine: engine);
        using NetmapPort rx = NetmapPort.Open("netmap:b", engine: engine);
        Queue<int> wire = new();
        int sent = 0;
        foreach ((int op, int count) in steps)
        {
            switch (op)
            {
                case 0:
                    for (int i = 0; i < count && tx.TxRings[0].TrySend(Frame(sent)); i++)
                        wire.Enqueue(sent++);
                    break;
                case 1:
                    tx.TxSync();
                    break;
                case 2:
                    rx.RxSync();
                    break;
                default:
                    Receive(rx.RxRings[0], count, wire);
                    break;
            }
        }
        // At most one ring's frames are in the sender, its peer's queue and its peer's ring each: nothing was dropped.
        for (int i = 0; i < 4; i++)
        {
            tx.TxSync();
            rx.RxSync();
            Receive(rx.RxRings[0], int.MaxValue, wire);
        }
        Assert.Empty(wire);
        Assert.Empty(rx.GetStatistics().Drops);
        Assert.Equal(slots - 1, tx.TxRings[0].Space);
    }

    private static void Receive(RxRing ring, int count, Queue<int> wire)
    {
        if (count == 0)
            return;
        foreach (RxFrame frame in ring)
        {
            Assert.True(frame.Data.SequenceEqual(Frame(wire.Dequeue())));
            if (--count == 0)
                break;
        }
    }

    private static byte[] Frame(int number)
    {
        byte[] frame = new byte[60 + (number % 100)];
        new Random(number).NextBytes(frame);
        return frame;
    }
}
