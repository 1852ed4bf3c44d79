namespace Netmap.Tests.Netns.Native;

/// <summary>The gears of native ports: what shifts when, and that nothing is lost or overtaken on the way.</summary>
public sealed class NativeGearTests
{
    private const int SmallBatch = 5;
    private const int LargeBatch = 300;

    public NativeGearTests() => Privileges.RequireBpf();

    /// <summary>Batches of all sizes by turns, so that every sync may shift; numbers are checked at the far end.</summary>
    [Theory]
    [InlineData(NativeGear.Auto)]
    [InlineData(NativeGear.Fast)]
    [InlineData(NativeGear.Plain)]
    public void NothingIsLostOrOvertakenAcrossShifts(NativeGear gear)
    {
        using NativePair pair = new(gear);
        (NetmapPort tx, NetmapPort rx) = pair;
        Random random = new(1);
        int sent = 0;
        int received = 0;
        while (received < 30000)
        {
            int batch = random.Next(3) == 0 ? random.Next(1, 30) : random.Next(30, 700);
            for (int i = 0; i < batch && tx.TxRings[0].TrySend(TestFrame.Varied(sent)); i++)
                sent++;
            tx.TxSync();
            received = Receive(rx, received, sent);
        }
        RingStatistics outgoing = tx.GetStatistics().Tx[0];
        RingStatistics incoming = rx.GetStatistics().Rx[0];
        Assert.Equal((sent, sent), (outgoing.Packets, incoming.Packets));
        Assert.Empty(tx.GetStatistics().Drops);
        Assert.Empty(rx.GetStatistics().Drops);
        Assert.Equal(outgoing.Bytes, incoming.Bytes);
        Assert.Equal(gear == NativeGear.Plain ? 0 : sent, incoming.FastPackets);
        Assert.Equal((gear != NativeGear.Plain, gear != NativeGear.Fast), (outgoing.FastPackets > 0, outgoing.FastPackets < sent));
    }

    /// <summary>The fast gear is for batches: a port that sends little is in the plain one at once.</summary>
    [Fact]
    public void SmallBatchesTakeThePlainGear()
    {
        using NativePair pair = new(NativeGear.Auto);
        (NetmapPort tx, NetmapPort rx) = pair;
        Send(tx, 0, LargeBatch);
        Assert.Equal(LargeBatch, tx.GetStatistics().Tx[0].FastPackets);
        Send(tx, LargeBatch, SmallBatch);
        Assert.Equal(LargeBatch, tx.GetStatistics().Tx[0].FastPackets);
        Send(tx, LargeBatch + SmallBatch, LargeBatch);
        Assert.Equal(2 * LargeBatch, tx.GetStatistics().Tx[0].FastPackets);
        int all = (2 * LargeBatch) + SmallBatch;
        Assert.Equal(all, Receive(rx, 0, all));
    }

    /// <summary>Slots sent in the fast gear are free when the sync returns.</summary>
    [Fact]
    public void NothingStaysInFlight()
    {
        using NativePair pair = new(NativeGear.Fast);
        (NetmapPort tx, NetmapPort rx) = pair;
        Send(tx, 0, 700);
        Assert.Equal(tx.TxRings[0].SlotCount - 1, tx.TxRings[0].Space);
        Assert.False(tx.TxRings[0].IsPending);
    }

    /// <summary>A veth without NAPI at its other end drops live frames: XDP sockets send there, and the port says so.</summary>
    [Fact]
    public void APeerThatDoesNotPollIsSentToInThePlainGear()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Auto);
        using NetmapPort tx = lab.OpenLeft();
        Assert.Contains("when the other end polls", tx.Info.Mode);
        long before = lab.Right.GetCounters("v1").RxPackets;
        Send(tx, 0, LargeBatch);
        Assert.Equal(before + LargeBatch, lab.Right.GetCounters("v1").RxPackets);
        Assert.Equal((LargeBatch, 0), (tx.GetStatistics().Tx[0].Packets, tx.GetStatistics().Tx[0].FastPackets));
        lab.Right.SetOffload("v1", "gro", true);
        Assert.DoesNotContain("when the other end polls", tx.Info.Mode);
        Send(tx, 0, LargeBatch);
        Assert.Equal(LargeBatch, tx.GetStatistics().Tx[0].FastPackets);
        Assert.Empty(tx.GetStatistics().Drops);
    }

    [Fact]
    public void FramesLostBehindTheInterfaceAreCounted()
    {
        using NativePair pair = new(NativeGear.Auto);
        (NetmapPort tx, NetmapPort rx) = pair;
        pair.Lab.Right.SetUp("v1", false);
        Send(tx, 0, LargeBatch);
        PortStatistics statistics = tx.GetStatistics();
        Assert.Equal(LargeBatch, statistics.Drops[DropReason.LinkDown]);
        Assert.Equal((0, 0), (statistics.Tx[0].Packets, statistics.Tx[0].Bytes));
        pair.Lab.Right.SetUp("v1");
        Send(tx, 0, LargeBatch);
        Assert.Equal(LargeBatch, tx.GetStatistics().Tx[0].Packets);
    }

    [Fact]
    public void WhatASlowReaderLosesIsCounted()
    {
        using NativePair pair = new(NativeGear.Fast);
        (NetmapPort tx, NetmapPort rx) = pair;
        int sent = 0;
        for (; rx.GetStatistics().Drops.Count == 0; sent += LargeBatch)
            Send(tx, sent, LargeBatch);
        int received = 0;
        while (rx.Poll(PollEvents.Receive, TimeSpan.Zero) != 0)
        {
            foreach (RxFrame frame in rx.RxRings[0])
                received += frame.Length > 0 ? 1 : 0;
        }
        Assert.Equal(sent, received + rx.GetStatistics().Drops[DropReason.KernelRingFull]);
    }

    [Fact]
    public void FramesLongerThanABufferTakeSeveralSlots()
    {
        NetmapEngineOptions small = NativeLab.Options with { NativeGear = NativeGear.Auto, BufferSize = 1984 };
        using NativePair pair = new(NativeLab.Create(engine: small, mtu: 9000));
        (NetmapPort tx, NetmapPort rx) = pair;
        byte[] jumbo = TestFrame.Numbered(1, 8000);
        NativeLab.PutInParts(tx, jumbo);
        byte[] medium = TestFrame.Numbered(2, 2900);
        for (int i = 0; i < 20; i++)
            NativeLab.PutInParts(tx, medium);
        tx.TxSync();
        Assert.Equal(jumbo, NativeLab.One(rx));
        for (int i = 0; i < 20; i++)
            Assert.Equal(medium, NativeLab.One(rx));
        Assert.Equal(21, rx.GetStatistics().Rx[0].Scattered);
        Assert.Empty(rx.GetStatistics().Drops);
    }

    [Fact]
    public void FramesThatCanNeverBeSentAreDroppedInTheirPlace()
    {
        using NativePair pair = new(NativeGear.Auto);
        (NetmapPort tx, NetmapPort rx) = pair;
        int next = 0;
        for (int i = 0; i < 40; i++)
            tx.TxRings[0].TrySend(i == 20 ? new byte[5] : i == 30 ? new byte[1800] : TestFrame.Varied(next++));
        tx.TxSync();
        Assert.Equal(next, Receive(rx, 0, next));
        Assert.Equal((1, 1), (tx.GetStatistics().Drops[DropReason.TooShort], tx.GetStatistics().Drops[DropReason.ExceedsMtu]));
        Assert.Equal(next, tx.GetStatistics().Tx[0].Packets);
    }

    /// <summary>A ring that nobody has open leaves its queue's frames to the host.</summary>
    [Fact]
    public void QueuesWithoutAReaderGoToTheHost()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Auto, queues: 2);
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight("-1");
        long before = lab.Right.GetCounters("v1").RxPackets;
        for (int ring = 0; ring < 2; ring++)
        {
            for (int i = 0; i < SmallBatch; i++)
                tx.TxRings[ring].TrySend(TestFrame.Varied(i));
        }
        tx.TxSync();
        Assert.Equal(before + (2 * SmallBatch), lab.Right.GetCounters("v1").RxPackets);
        Assert.Equal(SmallBatch, Receive(rx, 0, SmallBatch));
        Assert.Equal(PollEvents.None, rx.Poll(PollEvents.Receive, TimeSpan.Zero));
    }

    [Fact]
    public void TheDataPathAllocatesNothing()
    {
        using NativePair pair = new(NativeGear.Auto);
        (NetmapPort tx, NetmapPort rx) = pair;
        byte[] frame = TestFrame.Varied(0);
        Round();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
            Round();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Round()
        {
            for (int i = 0; i < 100; i++)
                tx.TxRings[0].TrySend(frame);
            tx.TxSync();
            rx.RxSync();
            foreach (RxFrame _ in rx.RxRings[0])
            {
            }
        }
    }

    /// <summary>Nor does a reader that sleeps for each batch, with a token that may end its sleep.</summary>
    [Theory]
    [InlineData(NativeGear.Auto)]
    [InlineData(NativeGear.Plain)]
    public void ASleepingReaderAllocatesNothing(NativeGear gear)
    {
        using NativePair pair = new(gear);
        (NetmapPort tx, NetmapPort rx) = pair;
        using CancellationTokenSource stop = new();
        Thread sender = new(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                tx.TxRings[0].TrySend(new byte[60]);
                tx.TxSync();
                Thread.Sleep(1);
            }
        });
        sender.Start();
        long before = 0;
        for (int i = 0; i < 60; i++)
        {
            // What a first time costs is over.
            if (i == 30)
                before = GC.GetAllocatedBytesForCurrentThread();
            if (rx.Poll(PollEvents.Receive, VethLab.Soon, stop.Token) != PollEvents.Receive)
                break;
            rx.RxRings[0].Advance(rx.RxRings[0].Available);
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        stop.Cancel();
        sender.Join();
        Assert.InRange(rx.GetStatistics().Rx[0].Packets, 60, long.MaxValue);
        Assert.Equal(0, allocated);
    }

    private static void Send(NetmapPort port, int first, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.True(port.TxRings[0].TrySend(TestFrame.Varied(first + i)));
        port.TxSync();
    }

    /// <summary>Takes frames until all that were sent are there; the number of the next one.</summary>
    private static int Receive(NetmapPort port, int next, int sent)
    {
        while (next < sent)
        {
            Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxRing ring in port.RxRings)
            {
                foreach (RxFrame frame in ring)
                    Assert.True(frame.Data.SequenceEqual(TestFrame.Varied(next++)), $"frame {next - 1}");
            }
        }
        return next;
    }
}
