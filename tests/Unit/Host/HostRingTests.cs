using Netmap.Devices;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Host;

/// <summary>Rings to and from the host's stack (spec 6), on a wire in memory with a host behind it.</summary>
public sealed unsafe class HostRingTests
{
    [Fact]
    public void WhatTheHostSendsArrivesInItsRingOnceTheNicIsOpen()
    {
        using HostLab lab = new();
        using NetmapPort wire = lab.OpenWire();
        Assert.False(lab.Host.Send(HostLab.Frame(1)));
        using NetmapPort port = lab.Open("*");
        Assert.True(lab.Host.Send(HostLab.Frame(2, 1000)));
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, TimeSpan.Zero));
        Assert.Equal(0, port.RxRings[0].Available);
        Assert.Equal(1, port.HostRxRings[0].Available);
        foreach (RxFrame frame in port.HostRxRings[0])
            Assert.Equal(HostLab.Frame(2, 1000), frame.Data.ToArray());
        Assert.Equal((1L, 1000L), (port.GetStatistics().HostRx[0].Packets, port.GetStatistics().HostRx[0].Bytes));
        Assert.Equal(0, wire.RxRings[0].Available);
    }

    [Fact]
    public void BindingTheHostRingsAloneTakesNothing()
    {
        using HostLab lab = new();
        using NetmapPort host = lab.Open("^");
        Assert.False(host.Info.InterceptsHost);
        Assert.False(lab.Host.Send(HostLab.Frame(1)));
        using (NetmapPort nic = lab.Open(""))
        {
            Assert.True(host.Info.InterceptsHost);
            Assert.True(lab.Host.Send(HostLab.Frame(2)));
            host.RxSync();
            Assert.Equal(1, host.RxRings[0].Available);
        }
        Assert.False(lab.Host.Send(HostLab.Frame(3)));
    }

    [Fact]
    public void WithNobodyAtTheHostRingItsFramesAreLostAndCounted()
    {
        using HostLab lab = new();
        using NetmapPort nic = lab.Open("");
        Assert.True(lab.Host.Send(HostLab.Frame(1)));
        Assert.Equal(1, nic.GetStatistics().HostRx[0].Drops[DropReason.NobodyReceives]);
        // What was sent before is not kept for who comes later.
        using NetmapPort host = lab.Open("^");
        host.RxSync();
        Assert.Equal(0, host.RxRings[0].Available);
    }

    [Fact]
    public void FramesPutInTheHostRingReachTheHostBeforeTheSyncReturns()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("^");
        for (int i = 0; i < 15; i++)
            Assert.True(port.TxRings[0].TrySend(HostLab.Frame(i, 14 + i)));
        Assert.False(port.TxRings[0].TrySend(HostLab.Frame(15)));
        port.TxSync();
        Assert.Equal(15, port.TxRings[0].Space);
        Assert.Equal(15, lab.Host.Received.Count);
        for (int i = 0; lab.Host.Received.TryDequeue(out byte[]? frame); i++)
            Assert.Equal(HostLab.Frame(i, 14 + i), frame);
        Assert.Equal(15, port.GetStatistics().HostTx[0].Packets);
    }

    /// <summary>Spec 6: only 14..buffer size is a frame; what is not is skipped.</summary>
    [Fact]
    public void SlotsThatHoldNoFrameAreSkippedAndCounted()
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_SW);
        netmap_ring* ring = port.Tx(1);
        netmap_slot* slots = RawPort.Slots(ring);
        slots[0].len = 13;
        slots[1].len = 2049;
        slots[2].len = 60;
        slots[2].buf_idx = 0xffffff;
        slots[3].len = 14;
        ring->head = ring->cur = 4;
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((4u, 4u, 3u), RawPort.Indices(ring));
        Assert.Equal(14, Assert.Single(lab.Host.Received).Length);
        IReadOnlyDictionary<DropReason, long> drops = PortReport.Statistics(port.File.Registration!.Adapter, TimeProvider.System).HostTx[0].Drops;
        Assert.Equal(1, drops[DropReason.TooShort]);
        Assert.Equal(2, drops[DropReason.BadSlot]);
    }

    [Fact]
    public void SlotsWithMoreFragmentsAreOneFrameOnceItsLastHasCome()
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_SW);
        netmap_ring* ring = port.Tx(1);
        netmap_slot* slots = RawPort.Slots(ring);
        (slots[0].len, slots[0].flags) = (2048, NetmapH.NS_MOREFRAG);
        (slots[1].len, slots[1].flags) = (2048, NetmapH.NS_MOREFRAG);
        ring->head = ring->cur = 2;
        port.TxSync();
        Assert.Empty(lab.Host.Received);
        Assert.Equal((2u, 2u, 15u), RawPort.Indices(ring));
        slots[2].len = 100;
        ring->head = ring->cur = 3;
        port.TxSync();
        Assert.Equal(4196, Assert.Single(lab.Host.Received).Length);
        Assert.Equal((3u, 3u, 2u), RawPort.Indices(ring));
    }

    [Fact]
    public void AFrameThatNeverEndsIsDroppedWhenTheRingIsFull()
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_SW);
        netmap_ring* ring = port.Tx(1);
        for (int i = 0; i < 16; i++)
            (RawPort.Slots(ring)[i].len, RawPort.Slots(ring)[i].flags) = (60, NetmapH.NS_MOREFRAG);
        ring->head = ring->cur = 15;
        port.TxSync();
        Assert.Equal((15u, 15u, 14u), RawPort.Indices(ring));
        Assert.Empty(lab.Host.Received);
        Assert.Equal(1, PortReport.Statistics(port.File.Registration!.Adapter, TimeProvider.System).HostTx[0].Drops[DropReason.TooManyFragments]);
    }

    [Fact]
    public void AFullRingDropsAndCountsAndAFrameLongerThanABufferToo()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("*");
        Assert.True(lab.Host.Send(HostLab.Frame(0, 2049)));
        for (int i = 0; i < 30; i++)
            lab.Host.Send(HostLab.Frame(i));
        port.RxSync();
        RingStatistics ring = port.GetStatistics().HostRx[0];
        Assert.Equal(14, ring.Packets);
        Assert.Equal(1, ring.Drops[DropReason.FrameTooLong]);
        Assert.Equal(16, ring.Drops[DropReason.HostRingFull]);
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, TimeSpan.Zero));
    }

    [Fact]
    public void SlotsReleasedInASyncAreFilledInTheSameSync()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("*");
        for (int i = 0; i < 15; i++)
            lab.Host.Send(HostLab.Frame(i));
        port.RxSync();
        lab.Host.Send(HostLab.Frame(15));
        port.HostRxRings[0].Advance(15);
        port.RxSync();
        Assert.Equal(1, port.HostRxRings[0].Available);
    }

    [Fact]
    public void AWaitForTheHostsFramesWakes()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("*");
        Thread later = new(() =>
        {
            Thread.Sleep(30);
            lab.Host.Send(HostLab.Frame(1));
        });
        later.Start();
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30)));
        later.Join();
        Assert.Equal(1, port.GetStatistics().HostRx[0].Notifications);
    }

    [Fact]
    public void ALinkThatIsDownOrGoneIsAnErrorOfHostRingsToo()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("^");
        lab.Device.SetLink(LinkState.Down);
        port.TxRings[0].TrySend(HostLab.Frame(1));
        Assert.Equal("ENETDOWN", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        Assert.Equal(1, port.GetStatistics().HostTx[0].Drops[DropReason.LinkDown]);
        Assert.Equal("ENETDOWN", Assert.Throws<NetmapException>(port.RxSync).ErrorName);
        lab.Device.SetLink(LinkState.Up);
        port.RxSync();
        lab.Device.SetLink(LinkState.Gone);
        Assert.Equal("EIO", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void ACopyMonitorSeesBothDirectionsOfTheHostRings()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("*");
        using NetmapPort monitor = lab.Open("^/rt");
        lab.Host.Send(HostLab.Frame(1));
        port.HostTxRings[0].TrySend(HostLab.Frame(2));
        port.TxSync();
        monitor.RxSync();
        List<int> seen = [];
        foreach (RxRing ring in monitor.RxRings)
        {
            foreach (RxFrame frame in ring)
                seen.Add(frame.Data[0]);
        }
        Assert.Equal([1, 2], seen.Order());
        // The reader still gets its own.
        port.RxSync();
        Assert.Equal(1, port.HostRxRings[0].Available);
    }
}
