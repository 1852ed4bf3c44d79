using Netmap.Interop;

namespace Netmap.Tests.Unit.Host;

/// <summary>Frames that go on by themselves between NIC and host: NR_FORWARD, NS_FORWARD and fwd (spec 4, 6).</summary>
public sealed unsafe class ForwardTests
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void ReleasedFramesOfTheNicThatAreMarkedGoUpToTheHost(bool ringFlag, bool parameter)
    {
        using HostLab lab = new(engine: new NetmapEngineOptions { Forward = parameter });
        using RawPort port = lab.Bind(NetmapReq.NR_REG_ALL_NIC);
        using NetmapPort wire = lab.OpenWire();
        SendFromWire(wire, 3);
        port.RxSync();
        netmap_ring* ring = port.Rx();
        ring->flags = ringFlag ? NetmapH.NR_FORWARD : 0;
        RawPort.Slots(ring)[1].flags |= NetmapH.NS_FORWARD;
        ring->head = ring->cur = 3;
        port.RxSync();
        Assert.Equal(parameter ? [1, 2, 3] : [2], lab.Host.Received.Select(frame => frame[0]));
        Assert.Equal(0, RawPort.Slots(ring)[1].flags & NetmapH.NS_FORWARD);
    }

    [Fact]
    public void WithoutTheRingsFlagAMarkMeansNothing()
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_ALL_NIC);
        using NetmapPort wire = lab.OpenWire();
        SendFromWire(wire, 1);
        port.RxSync();
        RawPort.Slots(port.Rx())[0].flags |= NetmapH.NS_FORWARD;
        port.Rx()->head = port.Rx()->cur = 1;
        port.RxSync();
        Assert.Empty(lab.Host.Received);
    }

    /// <summary>poll sends at once what went down; RXSYNC leaves it to the next sync of the transmit rings.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ReleasedFramesOfTheHostThatAreMarkedGoToTheWire(bool poll)
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_NIC_SW);
        using NetmapPort wire = lab.OpenWire();
        netmap_ring* host = port.Rx(1);
        for (int i = 1; i <= 3; i++)
            lab.Host.Send(HostLab.Frame(i));
        port.RxSync();
        host->flags = NetmapH.NR_FORWARD;
        RawPort.Slots(host)[0].flags |= NetmapH.NS_FORWARD;
        RawPort.Slots(host)[2].flags |= NetmapH.NS_FORWARD;
        uint buffer = RawPort.Slots(host)[2].buf_idx;
        host->head = host->cur = 3;
        if (poll)
            port.Poll(Poll.POLLIN);
        else
            port.RxSync();
        Assert.Equal((2u, 2u), (port.Tx()->head, port.Tx()->cur));
        wire.RxSync();
        Assert.Equal(poll ? 2 : 0, wire.RxRings[0].Available);
        if (!poll)
        {
            // The buffers changed places, and both slots say so.
            Assert.Equal(buffer, RawPort.Slots(port.Tx())[1].buf_idx);
            Assert.Equal(NetmapH.NS_BUF_CHANGED, RawPort.Slots(port.Tx())[1].flags);
            Assert.Equal(NetmapH.NS_BUF_CHANGED, RawPort.Slots(host)[2].flags);
            port.TxSync();
            wire.RxSync();
        }
        Assert.Equal([1, 3], Bytes(wire));
    }

    [Fact]
    public void WithoutAllTransmitRingsNothingGoesDown()
    {
        using HostLab lab = new(queues: 2);
        using RawPort nic = lab.Bind(NetmapReq.NR_REG_ALL_NIC);
        using RawPort port = lab.Bind(NetmapReq.NR_REG_SW);
        lab.Host.Send(HostLab.Frame(1));
        netmap_ring* host = (netmap_ring*)((byte*)port.Interface + port.RingOffset(3 + 2));
        host->flags = NetmapH.NR_FORWARD;
        port.RxSync();
        RawPort.Slots(host)[0].flags |= NetmapH.NS_FORWARD;
        host->head = host->cur = 1;
        port.Poll(Poll.POLLIN);
        Assert.Equal((0u, 0u), (nic.Tx(0)->head, nic.Tx(1)->head));
    }

    [Fact]
    public void WithoutRoomTheyAreLostAndCounted()
    {
        using HostLab lab = new(slots: 4);
        using RawPort port = lab.Bind(NetmapReq.NR_REG_NIC_SW);
        netmap_ring* host = port.Rx(1);
        host->flags = NetmapH.NR_FORWARD;
        // The program has filled its own ring but for one slot.
        port.Tx()->head = port.Tx()->cur = 2;
        for (int i = 1; i <= 3; i++)
            lab.Host.Send(HostLab.Frame(i));
        port.RxSync();
        for (int i = 0; i < 3; i++)
            RawPort.Slots(host)[i].flags |= NetmapH.NS_FORWARD;
        host->head = host->cur = 3;
        port.RxSync();
        Assert.Equal(3u, port.Tx()->head);
        Assert.Equal(2, PortReport.Statistics(port.File.Registration!.Adapter, TimeProvider.System).HostRx[0].Drops[DropReason.DestinationFull]);
    }

    /// <summary>Indices of a transmit ring that make no sense are put right, not followed.</summary>
    [Fact]
    public void ATransmitRingWithImpossibleIndicesGetsNothing()
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_NIC_SW);
        netmap_ring* host = port.Rx(1);
        host->flags = NetmapH.NR_FORWARD;
        lab.Host.Send(HostLab.Frame(1));
        port.RxSync();
        RawPort.Slots(host)[0].flags |= NetmapH.NS_FORWARD;
        host->head = host->cur = 1;
        port.Tx()->head = 0x7fffffff;
        port.RxSync();
        Assert.Equal((0u, 0u, 15u), RawPort.Indices(port.Tx()));
        Assert.Equal(1, PortReport.Statistics(port.File.Registration!.Adapter, TimeProvider.System).HostRx[0].Drops[DropReason.DestinationFull]);
    }

    private static void SendFromWire(NetmapPort wire, int frames)
    {
        for (int i = 1; i <= frames; i++)
            Assert.True(wire.TxRings[0].TrySend(HostLab.Frame(i)));
        wire.TxSync();
    }

    private static List<byte> Bytes(NetmapPort port)
    {
        List<byte> seen = [];
        foreach (RxFrame frame in port.RxRings[0])
            seen.Add(frame.Data[0]);
        return seen;
    }
}
