namespace Netmap.Tests.Unit.Generic;

/// <summary>generic_netmap_txsync on a device that refuses, runs short and completes late (spec 5.3).</summary>
public sealed class TransmitTests : IDisposable
{
    private readonly GenericLab _lab = new();
    private readonly NetmapPort _peer;
    private readonly NetmapPort _port;

    public TransmitTests()
    {
        _peer = _lab.OpenPeer();
        _port = _lab.Open();
    }

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void APartialSendKeepsTheRestForTheNextSync()
    {
        _lab.Device.Room = 4;
        GenericLab.Fill(_port, 10);
        _port.TxSync();
        Assert.Equal(4, _port.GetStatistics().Tx[0].Packets);
        Assert.True(_port.GetStatistics().Tx[0].Refusals > 0);
        _lab.Device.Room = int.MaxValue;
        _port.TxSync();
        Assert.Equal(10, _port.GetStatistics().Tx[0].Packets);
        _peer.RxSync();
        Assert.Equal(10, _peer.RxRings[0].Available);
        Assert.Empty(_port.GetStatistics().Drops);
    }

    [Fact]
    public void ARefusalIsRetriedOnlyWhileItFreesSlots()
    {
        _lab.Device.CompleteLate = true;
        _lab.Device.Room = 3;
        GenericLab.Fill(_port, 8);
        _port.TxSync();
        // Nothing completed, so cleaning freed nothing: one refusal, no spin.
        Assert.Equal(1, _port.GetStatistics().Tx[0].Refusals);
        Assert.Equal(2, _lab.Device.Transmits + 1);
        Assert.Equal(3, _lab.Device.InFlight.Count);
    }

    /// <summary>2014: the result of tx_clean on memory shortage was read as "space", and the sync looped for ever.</summary>
    [Fact]
    public void MemoryShortageStopsTheSyncAndLosesNothing()
    {
        _lab.Device.Mbufs = 5;
        GenericLab.Fill(_port, 12);
        _port.TxSync();
        Assert.Equal(5, _port.GetStatistics().Tx[0].Packets);
        _lab.Device.Mbufs = 100;
        _port.TxSync();
        Assert.Equal(12, _port.GetStatistics().Tx[0].Packets);
    }

    /// <summary>2014: the event sat in the middle; completions out of order found the first slot busy and nobody woke again.</summary>
    [Fact]
    public void TheEventIsOnTheFirstPendingSlot()
    {
        _lab.Device.CompleteLate = true;
        using RawPort raw = new(_lab.Engine);
        raw.Bind("f0");
        GenericLab.Bell bell = new();
        raw.File.Registration!.TxRings[0].Waiters.Add(bell);
        GenericLab.Fill(_port, 15);
        _port.TxSync();
        DrainPeer();
        int before = bell.Rings;
        // The middle one completes first: no event, nothing to reclaim.
        _lab.Device.Complete(7);
        Assert.Equal(before, bell.Rings);
        _port.TxSync();
        Assert.Equal(0, _port.TxRings[0].Space);
        // The first one completes: a wake-up, and its slot is free.
        _lab.Device.Complete(0);
        Assert.Equal(before + 1, bell.Rings);
        _port.TxSync();
        Assert.Equal(1, _port.TxRings[0].Space);
        Assert.True(_port.GetStatistics().Tx[0].Notifications >= 1);
    }

    /// <summary>2014: an entry given away as event was read as completed, though its frame was still in the driver.</summary>
    [Fact]
    public void ASlotWhoseEventIsPendingIsNotFree()
    {
        _lab.Device.CompleteLate = true;
        GenericLab.Fill(_port, 15);
        _port.TxSync();
        DrainPeer();
        for (int i = 0; i < 3; i++)
        {
            _port.TxSync();
            Assert.Equal(0, _port.TxRings[0].Space);
        }
    }

    [Fact]
    public void CompletionsInAnyOrderGiveAllSlotsBack()
    {
        _lab.Device.CompleteLate = true;
        Random random = new(7);
        for (int round = 0; round < 200; round++)
        {
            int space = _port.TxRings[0].Space;
            GenericLab.Fill(_port, random.Next(space + 1));
            _port.TxSync();
            DrainPeer();
            int count = _lab.Device.InFlight.Count;
            for (int k = random.Next(count + 1); k > 0; k--)
                _lab.Device.Complete(random.Next(_lab.Device.InFlight.Count));
        }
        while (_lab.Device.InFlight.Count > 0)
            _lab.Device.Complete(0);
        _port.TxSync();
        Assert.Equal(15, _port.TxRings[0].Space);
    }

    /// <summary>2014: the callback stayed on packets in flight at unregister and ran on a destroyed adapter.</summary>
    [Fact]
    public void FramesCompletedAfterCloseCallNobody()
    {
        _lab.Device.CompleteLate = true;
        using RawPort raw = new(_lab.Engine);
        raw.Bind("f0");
        GenericLab.Bell bell = new();
        raw.File.Registration!.TxRings[0].Waiters.Add(bell);
        GenericLab.Fill(_port, 15);
        _port.TxSync();
        DrainPeer();
        _port.Dispose();
        raw.Dispose();
        int before = bell.Rings;
        while (_lab.Device.InFlight.Count > 0)
            _lab.Device.Complete(0);
        Assert.Equal(before, bell.Rings);
    }

    /// <summary>2014: the ring was worked out from fields that whoever held the packet might have rewritten.</summary>
    [Fact]
    public void TheRingOfAnEventIsFoundByIdentity()
    {
        _lab.Device.CompleteLate = true;
        GenericLab.Fill(_port, 15);
        _port.TxSync();
        DrainPeer();
        _lab.Device.InFlight[0].Queue = 12345;
        long before = _port.GetStatistics().Tx[0].Notifications;
        _lab.Device.Complete(0);
        Assert.Equal(before + 1, _port.GetStatistics().Tx[0].Notifications);
    }

    /// <summary>2014: the packet counter counted twice on receive and did not compile on transmit.</summary>
    [Fact]
    public void CountersCountEachThingOnce()
    {
        GenericLab.Fill(_port, 7, 100);
        _port.TxSync();
        _peer.RxSync();
        RingStatistics tx = _port.GetStatistics().Tx[0];
        RingStatistics rx = _peer.GetStatistics().Rx[0];
        Assert.Equal((7, 700, 1), (tx.Packets, tx.Bytes, tx.Syncs));
        Assert.Equal((7, 700, 1), (rx.Packets, rx.Bytes, rx.Syncs));
        Assert.Equal(7, tx.Replenished);
    }

    /// <summary>The RATE statistics: per second, between two snapshots, on the engine's clock.</summary>
    [Fact]
    public void RatesArePerSecond()
    {
        PortStatistics before = _port.GetStatistics();
        GenericLab.Fill(_port, 8);
        _port.TxSync();
        _lab.Clock.Advance(TimeSpan.FromSeconds(2));
        PortRates rates = _port.GetStatistics().RatesSince(before);
        Assert.Equal((4, 0.5, 4, 0), (rates.TxPackets, rates.TxSyncs, rates.TxReplenished, rates.TxDrops));
        Assert.Throws<ArgumentException>(() => before.RatesSince(before));
    }

    [Fact]
    public void ReportAndBufferChangedAreClearedOnceSent()
    {
        GenericLab.Fill(_port, 2);
        _port.TxRings[0][0].Flags = SlotFlags.Report | SlotFlags.BufferChanged | SlotFlags.NoLearn;
        _lab.Device.Room = 1;
        _port.TxRings[0][1].Flags = SlotFlags.Report;
        _port.TxSync();
        Assert.Equal(SlotFlags.NoLearn, _port.TxRings[0][0].Flags);
        Assert.Equal(SlotFlags.Report, _port.TxRings[0][1].Flags);
    }

    [Fact]
    public void FramesThatCanNeverGoAreCountedWithTheirReason()
    {
        GenericLab.Fill(_port, 1, 10);
        GenericLab.Fill(_port, 1, 1600);
        GenericLab.Fill(_port, 1, 60);
        _port.TxSync();
        Assert.Equal(1, _port.GetStatistics().Drops[DropReason.TooShort]);
        Assert.Equal(1, _port.GetStatistics().Drops[DropReason.ExceedsMtu]);
        Assert.Equal((1, 60), (_port.GetStatistics().Tx[0].Packets, _port.GetStatistics().Tx[0].Bytes));
    }

    private void DrainPeer()
    {
        _peer.RxSync();
        _peer.RxRings[0].Advance(_peer.RxRings[0].Available);
        _peer.RxSync();
    }
}
