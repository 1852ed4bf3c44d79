using Netmap.Interop;

namespace Netmap.Tests.Unit.Host;

/// <summary>Which host rings a request binds, what the interface object says of them, and who is refused (spec 1.4, 3.3, 3.4).</summary>
public sealed unsafe class SelectionTests
{
    /// <summary>ring_ofs: NIC tx, host tx, NIC rx, host rx; 0 where this file binds nothing.</summary>
    [Theory]
    [InlineData(NetmapReq.NR_REG_ALL_NIC, 0, "110110")]
    [InlineData(NetmapReq.NR_REG_SW, 0, "001001")]
    [InlineData(NetmapReq.NR_REG_NIC_SW, 0, "111111")]
    [InlineData(NetmapReq.NR_REG_ONE_NIC, 1, "010010")]
    [InlineData(NetmapReq.NR_REG_ONE_SW, 0, "001001")]
    public void EntriesOfTheInterfaceObject(uint mode, ushort ring, string bound)
    {
        using HostLab lab = new(queues: 2);
        using RawPort port = lab.Bind(mode, ring);
        Assert.Equal((1u, 1u), (port.Interface->ni_host_tx_rings, port.Interface->ni_host_rx_rings));
        Assert.Equal((1, 1), (port.Register.nr_host_tx_rings, port.Register.nr_host_rx_rings));
        Assert.Equal(bound, string.Concat(Enumerable.Range(0, 6).Select(i => port.RingOffset(i) == 0 ? '0' : '1')));
        for (int i = 0; i < 6; i++)
        {
            if (port.RingOffset(i) == 0)
                continue;
            netmap_ring* at = (netmap_ring*)((byte*)port.Interface + port.RingOffset(i));
            Assert.Equal(i % 3, at->ringid);
            Assert.Equal(i < 3 ? 1 : 0, at->dir);
        }
    }

    [Theory]
    [InlineData(NetmapH.NR_TX_RINGS_ONLY, "10")]
    [InlineData(NetmapH.NR_RX_RINGS_ONLY, "01")]
    public void OneDirectionOnly(ulong flags, string bound)
    {
        using HostLab lab = new();
        using RawPort port = lab.Bind(NetmapReq.NR_REG_SW, flags: flags);
        Assert.Equal(bound, string.Concat(new[] { 1, 3 }.Select(i => port.RingOffset(i) == 0 ? '0' : '1')));
    }

    [Fact]
    public void SeveralHostRingsForTheFirstFileAndOneAgainAfterTheLast()
    {
        using HostLab lab = new();
        nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_NIC_SW, nr_host_tx_rings = 3, nr_host_rx_rings = 2 };
        using (RawPort port = new(lab.Engine))
        {
            Assert.Equal(Errno.Success, port.Control(NetmapReq.NETMAP_REQ_REGISTER, "h0", ref body));
            Assert.Equal((3, 2), (body.nr_host_tx_rings, body.nr_host_rx_rings));
            netmap_if* nif = (netmap_if*)(port.Region + body.nr_offset);
            Assert.Equal((3u, 2u), (nif->ni_host_tx_rings, nif->ni_host_rx_rings));
            // While somebody has it open the numbers stay.
            nmreq_register later = new() { nr_mode = NetmapReq.NR_REG_ONE_SW, nr_ringid = 1, nr_host_tx_rings = 9, nr_host_rx_rings = 9 };
            using RawPort second = new(lab.Engine);
            Assert.Equal(Errno.Success, second.Control(NetmapReq.NETMAP_REQ_REGISTER, "h0", ref later));
            Assert.Equal((3, 2), (later.nr_host_tx_rings, later.nr_host_rx_rings));
            PortInfo info = NetmapPort.Query("netmap:h0", lab.Engine);
            Assert.Equal((3, 2), (info.HostTxRings, info.HostRxRings));
            // Host ring 2: transmit has it, receive falls back to ring 0.
            using NetmapPort third = lab.Open("^2");
            Assert.Equal((1 + 2, 1 + 0), (third.TxRings[0].Index, third.RxRings[0].Index));
        }
        Assert.Equal(1, NetmapPort.Query("netmap:h0", lab.Engine).HostTxRings);
    }

    [Fact]
    public void FramesOfAQueueGoToItsHostRingOrToTheWire()
    {
        using HostLab lab = new(queues: 2);
        nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_SW, nr_host_tx_rings = 2, nr_host_rx_rings = 2 };
        using RawPort host = new(lab.Engine);
        Assert.Equal(Errno.Success, host.Control(NetmapReq.NETMAP_REQ_REGISTER, "h0", ref body));
        using NetmapPort one = lab.Open("-1");
        Assert.False(lab.Host.Send(HostLab.Frame(1), queue: 0));
        Assert.True(lab.Host.Send(HostLab.Frame(2), queue: 1));
        host.RxSync();
        Assert.Equal([0u, 1u], host.File.Registration!.RxRings.Select(ring => ring.HwTail));
    }

    [Fact]
    public void ExclusivenessHoldsForEachRing()
    {
        using HostLab lab = new();
        using RawPort nic = lab.Bind(NetmapReq.NR_REG_ALL_NIC, flags: NetmapH.NR_EXCLUSIVE);
        using RawPort host = lab.Bind(NetmapReq.NR_REG_SW, flags: NetmapH.NR_EXCLUSIVE);
        lab.Bind(NetmapReq.NR_REG_SW, expected: Errno.EBUSY).Dispose();
        lab.Bind(NetmapReq.NR_REG_NIC_SW, expected: Errno.EBUSY).Dispose();
        host.Dispose();
        lab.Bind(NetmapReq.NR_REG_SW).Dispose();
    }

    [Theory]
    [InlineData("h0", NetmapReq.NR_REG_ONE_SW, 1)]
    [InlineData("h0", NetmapReq.NR_REG_ONE_SW, 5)]
    [InlineData("h0", 99u, 0)]
    [InlineData("h0", NetmapReq.NR_REG_DEFAULT, 0)]
    [InlineData("vale0:p", NetmapReq.NR_REG_SW, 0)]
    [InlineData("vale0:p", NetmapReq.NR_REG_NIC_SW, 0)]
    [InlineData("vale0:p", NetmapReq.NR_REG_ONE_SW, 0)]
    [InlineData("h0{1", NetmapReq.NR_REG_SW, 0)]
    public void WhatThereIsNotIsEINVAL(string name, uint mode, ushort ring)
    {
        using HostLab lab = new();
        int buffers = lab.Engine.Core.Memories.Global.Available.Buffers;
        using RawPort port = new(lab.Engine);
        Assert.Equal(Errno.EINVAL, port.Bind(name, mode, ring));
        Assert.DoesNotContain('\n', port.File.LastRefusal!.Message);
        Assert.Equal(buffers, lab.Engine.Core.Memories.Global.Available.Buffers);
    }

    /// <summary>No privilege, no tcx: the NIC's rings work, host rings are refused with the reason, nothing is half open.</summary>
    [Theory]
    [InlineData("EPERM", "CAP_BPF")]
    [InlineData("EINVAL", "6.6")]
    public void ASystemThatRefusesHostRingsSaysWhy(string refusal, string word)
    {
        using HostLab lab = new();
        lab.Host.Refusal = Enum.Parse<Errno>(refusal);
        foreach (string suffix in (string[])["^", "*", "^0"])
        {
            NetmapException refused = Assert.Throws<NetmapException>(() => lab.Open(suffix));
            Assert.Equal(refusal, refused.ErrorName);
            Assert.Contains(word, refused.Message);
        }
        using NetmapPort nic = lab.Open("");
        Assert.False(nic.Info.InterceptsHost);
        Assert.Throws<NetmapException>(() => lab.Open("^"));
        nic.RxSync();
    }

    /// <summary>Unbounded in the request, bounded by the interface object (spec 1.4, 3.3).</summary>
    [Fact]
    public void MoreHostRingsThanTheInterfaceObjectHoldsIsENOMEM()
    {
        using HostLab lab = new();
        nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_host_tx_rings = 60000 };
        using RawPort port = new(lab.Engine);
        Assert.Equal(Errno.ENOMEM, port.Control(NetmapReq.NETMAP_REQ_REGISTER, "h0", ref body));
        Assert.Equal(1, NetmapPort.Query("netmap:h0", lab.Engine).HostTxRings);
        lab.Open("*").Dispose();
    }

    [Fact]
    public void PortInfoTellsHostRingsOfInterfacesOnly()
    {
        using HostLab lab = new();
        using RawPort port = new(lab.Engine);
        nmreq_port_info_get info = default;
        Assert.Equal(Errno.Success, port.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, "h0", ref info));
        Assert.Equal((1, 1), (info.nr_host_tx_rings, info.nr_host_rx_rings));
        Assert.Equal(Errno.Success, port.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, "h0{1", ref info));
        Assert.Equal((0, 0), (info.nr_host_tx_rings, info.nr_host_rx_rings));
    }
}
