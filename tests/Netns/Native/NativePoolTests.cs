namespace Netmap.Tests.Netns.Native;

/// <summary>netmap's memory in an eBPF array: the programs of the fast gear copy frames into buffers and out of them.</summary>
public sealed class NativePoolTests
{
    private const string Packed = "packed";

    public NativePoolTests() => Privileges.RequireBpf();

    /// <summary>Frames of one slot and of several, more than there are spare buffers: each slot has a buffer of its own afterwards.</summary>
    [Fact]
    public void BuffersGoRoundWithoutLoss()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Fast, mtu: 3000);
        int? free = null;
        for (int opening = 0; opening < 3; opening++)
        {
            using NetmapPort tx = lab.OpenLeft();
            Assert.Equal(free ??= lab.Engine.Core.Memories.Global.Available.Buffers, lab.Engine.Core.Memories.Global.Available.Buffers);
            using NetmapPort rx = lab.OpenRight();
            Assert.DoesNotContain(Packed, rx.Info.Mode);
            HashSet<uint> seen = [];
            for (int sent = 0; sent < 5000; sent += 400)
                Exchange(tx, rx, sent, 400, seen);
            Assert.Empty(tx.GetStatistics().Drops);
            Assert.Empty(rx.GetStatistics().Drops);
            RxRing ring = rx.RxRings[0];
            Assert.Equal(ring.SlotCount, Enumerable.Range(0, ring.SlotCount).Select(i => ring[i].BufferIndex).Distinct().Count());
            // The spare ones came into slots.
            Assert.True(seen.Count > ring.SlotCount, $"{seen.Count} buffers were seen in {ring.SlotCount} slots");
        }
    }

    /// <summary>
    /// The program may be at work with a spare buffer when a ring is closed while the port stays open: they stay with it, frames that
    /// nobody took give theirs back, and the next reader gets no more of them.
    /// </summary>
    [Fact]
    public void SpareBuffersOutliveTheRingsReaders()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Fast);
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort stays = lab.OpenRight("/T");
        int? free = null;
        for (int opening = 0; opening < 10; opening++)
        {
            using (NetmapPort rx = lab.OpenRight("/R"))
            {
                Exchange(tx, rx, 0, 100 + (opening * 30), []);
                for (int i = 0; i < 300; i++)
                    Assert.True(tx.TxRings[0].TrySend(TestFrame.Varied(i)));
                // Gives the slots back: the next reader's ring goes on behind them.
                rx.RxSync();
                tx.TxSync();
            }
            Assert.Equal(free ??= lab.Engine.Core.Memories.Global.Available.Buffers, lab.Engine.Core.Memories.Global.Available.Buffers);
        }
        using NetmapPort last = lab.OpenRight("/R");
        HashSet<uint> seen = [];
        for (int sent = 0; sent < 4000; sent += 400)
            Exchange(tx, last, sent, 400, seen);
        Assert.True(seen.Count > last.RxRings[0].SlotCount);
        Assert.Equal(last.RxRings[0].SlotCount, Enumerable.Range(0, last.RxRings[0].SlotCount).Select(i => last.RxRings[0][i].BufferIndex).Distinct().Count());
    }

    /// <summary>Buffers of the smallest size, of one that no page holds whole, and of the largest.</summary>
    [Theory]
    [InlineData(1792)]
    [InlineData(1984)]
    [InlineData(4096)]
    public void BuffersOfAnySizeAreReached(int size)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { NativeGear = NativeGear.Fast, BufferSize = size, BufferCount = 4700 }, mtu: 3000);
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        Assert.DoesNotContain(Packed, rx.Info.Mode);
        for (int sent = 0; sent < 4000; sent += 400)
            Exchange(tx, rx, sent, 400, []);
        Assert.Empty(rx.GetStatistics().Drops);
    }

    /// <summary>Memory that was in use before is in no array: frames are packed, the port says so, and they arrive all the same.</summary>
    [Fact]
    public void MemoryInUseStaysWhereItIs()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Fast);
        using (NetmapPort pipe = lab.Left.Run(() => NetmapPort.Open("netmap:x{1", new() { MemoryId = 1 }, lab.Engine)))
        {
            using NetmapPort tx = lab.OpenLeft();
            using NetmapPort rx = lab.OpenRight();
            Assert.Contains(Packed, rx.Info.Mode);
            Exchange(tx, rx, 0, 400, []);
            // Of the pipe too: it is the same memory.
            Assert.Equal(tx.Info.MemoryId, pipe.Info.MemoryId);
        }
        // Programs may still hold addresses in it, so it stays there when nobody uses it.
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        Assert.Contains(Packed, right.Info.Mode);
        Exchange(left, right, 0, 400, []);
    }

    /// <summary>Whoever holds but a span of a closed port can read it: the array stays mapped with the engine.</summary>
    [Fact]
    public void ASpanOutlivesItsPort()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Fast);
        Span<byte> buffer = OpenAndClose(lab);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal(77, buffer[0]);
        using NetmapPort next = lab.OpenRight();
        Assert.DoesNotContain(Packed, next.Info.Mode);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static Span<byte> OpenAndClose(VethLab lab)
        {
            using NetmapPort port = lab.OpenRight();
            Span<byte> buffer = port.RxRings[0].Buffer(0);
            buffer[0] = 77;
            return buffer;
        }
    }

    /// <summary>A port that turns out not to be native leaves no array behind: nobody would need it.</summary>
    [Fact]
    public void AnArrayGoesWithThePortThatCouldNotBeOpened()
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = AdapterMode.Best });
        // Its XDP socket has the queue, which shows only when ours is to be bound.
        using NetmapEngine holder = new(NativeLab.Options with { NativeGear = NativeGear.Plain });
        using NetmapPort occupied = lab.Right.Run(() => NetmapPort.Open("netmap:v1/T", engine: holder));
        using NetmapPort port = lab.OpenRight("/T");
        Assert.Equal("generic", port.Info.Adapter);
        Assert.False(lab.Engine.Core.Memories.Global.Region.IsArray);
    }

    /// <summary>A receiver that puts nonsense into slots it gives back loses the frame they were for; with buffers again it goes on.</summary>
    [Fact]
    public void ASlotWithoutABufferLosesItsFrame()
    {
        using NativePair pair = new(NativeGear.Fast);
        (NetmapPort tx, NetmapPort rx) = pair;
        Exchange(tx, rx, 0, 400, []);
        RxRing ring = rx.RxRings[0];
        uint[] buffers = [.. Enumerable.Range(0, ring.SlotCount).Select(i => ring[i].BufferIndex)];
        for (int i = 0; i < ring.SlotCount; i++)
            ring[i].BufferIndex = uint.MaxValue;
        NativeLab.Send(tx, 1);
        Until(rx, () => rx.GetStatistics().Drops.GetValueOrDefault(DropReason.BadSlot) == 1);
        Assert.Equal(0, ring.Available);
        for (int i = 0; i < ring.SlotCount; i++)
            ring[i].BufferIndex = buffers[i];
        Exchange(tx, rx, 400, 400, []);
        Assert.Equal(1, rx.GetStatistics().Drops.Values.Sum());
    }

    private static int Length(int number) => 60 + (number * 97 % (number % 2 == 0 ? 1400 : 2900));

    private static byte[] Frame(NetmapPort port, int number) =>
        TestFrame.Numbered(number, Math.Min(Length(number), port.Info.Mode!.Contains("over several buffers") ? int.MaxValue : 1514));

    private static void Exchange(NetmapPort tx, NetmapPort rx, int first, int count, HashSet<uint> buffers)
    {
        for (int i = 0; i < count; i++)
            NativeLab.PutInParts(tx, Frame(rx, first + i));
        tx.TxSync();
        byte[] bytes = new byte[4096];
        int received = first;
        Until(rx, () =>
        {
            RxRing ring = rx.RxRings[0];
            for (; ring.TryPeek(out RxFrame frame); received++)
            {
                buffers.Add(ring[ring.Head].BufferIndex);
                Assert.Equal(Frame(rx, received), bytes[..frame.CopyTo(bytes)]);
                ring.Advance(frame.SlotCount);
            }
            return received == first + count;
        });
    }

    private static void Until(NetmapPort port, Func<bool> done)
    {
        long end = Environment.TickCount64 + 5000;
        do
            port.RxSync();
        while (!done() && Environment.TickCount64 < end);
        Assert.True(done());
    }
}
