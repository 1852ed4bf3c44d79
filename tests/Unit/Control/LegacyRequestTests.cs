using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Control;

/// <summary>Requests as programs made them before version 14 (spec 3.6); those about switches are in LegacyValeTests.</summary>
public sealed unsafe class LegacyRequestTests : IDisposable
{
    private readonly NetmapEngine _engine = new();
    private readonly RawPort _file;

    public LegacyRequestTests()
    {
        _engine.AddMemoryPair("m0", "m1", new MemoryPairOptions { Queues = 2 });
        _file = new RawPort(_engine);
    }

    public void Dispose()
    {
        _file.Dispose();
        _engine.Dispose();
    }

    [Theory]
    [InlineData(0u, 0, 2, 0)]
    [InlineData(0u, 1, 2, 0)]
    [InlineData(0u, NetmapLegacy.NETMAP_HW_RING | 1, 1, 0)]
    [InlineData(0u, NetmapLegacy.NETMAP_SW_RING, 0, 1)]
    [InlineData(0u, NetmapLegacy.NETMAP_SW_RING | NetmapLegacy.NETMAP_HW_RING | 1, 0, 1)]
    [InlineData(NetmapReq.NR_REG_ALL_NIC, NetmapLegacy.NETMAP_SW_RING, 2, 0)]
    [InlineData(NetmapReq.NR_REG_SW, 0, 0, 1)]
    [InlineData(NetmapReq.NR_REG_NIC_SW, 0, 2, 1)]
    [InlineData(NetmapReq.NR_REG_ONE_NIC, 1, 1, 0)]
    [InlineData(NetmapReq.NR_REG_ONE_SW, 0, 0, 1)]
    public void FlagsOrElseTheRingsNumberSayWhichRings(uint flags, int ring, int nic, int host)
    {
        nmreq body = new() { nr_flags = flags, nr_ringid = (ushort)ring };
        Assert.Equal(Errno.Success, Run(NetmapH.NIOCREGIF, "m0", ref body));
        Count(out int boundNic, out int boundHost);
        Assert.Equal((nic, host), (boundNic, boundHost));
        Assert.Equal((flags, (ushort)ring), (body.nr_flags, body.nr_ringid));
    }

    [Theory]
    [InlineData(0u, NetmapLegacy.NETMAP_HW_RING | 2)]
    [InlineData(NetmapReq.NR_REG_ONE_NIC, 2)]
    [InlineData(9u, 0)]
    [InlineData(15u, 0)]
    public void RefusedOnesComeBackUnchanged(uint flags, int ring)
    {
        nmreq body = new() { nr_flags = flags, nr_ringid = (ushort)ring, nr_offset = 1, nr_memsize = 2, nr_tx_slots = 3, nr_arg3 = 4 };
        nmreq before = body;
        Assert.Equal(Errno.EINVAL, Run(NetmapH.NIOCREGIF, "m0", ref body));
        Assert.Equal((before.nr_offset, before.nr_memsize, before.nr_tx_slots, before.nr_arg3), (body.nr_offset, body.nr_memsize, body.nr_tx_slots, body.nr_arg3));
    }

    [Fact]
    public void FlagsOfTodayPassAndPollFlagsAreTranslated()
    {
        const uint Exclusive = NetmapReq.NR_REG_ALL_NIC | (uint)NetmapH.NR_EXCLUSIVE;
        foreach (ushort ring in (ushort[])[NetmapLegacy.NETMAP_NO_TX_POLL, 0])
        {
            using RawPort port = new(_engine);
            Assert.Equal(Errno.Success, port.BindLegacy("m0", Exclusive, ring));
            Assert.True(port.File.Registration!.IsExclusive);
            (port.Tx()->cur, port.Tx()->head) = (1, 1);
            port.Poll(Poll.POLLIN);
            // Waiting for input sends what is pending, unless it was told not to.
            Assert.Equal(ring == 0 ? 1u : 0u, port.File.Registration.TxRings[0].HwCur);
        }
    }

    /// <summary>The number comes behind the name of 15 characters, in a name of today.</summary>
    [Theory]
    [InlineData("x")]
    [InlineData("fifteen-chars-x")]
    public void PipesAreNamedByModeAndNumber(string parent)
    {
        nmreq body = new() { nr_flags = NetmapReq.NR_REG_PIPE_MASTER, nr_ringid = 4095 };
        Assert.Equal(Errno.Success, Run(NetmapH.NIOCREGIF, parent, ref body));
        Assert.Equal($"{parent}{{4095", _file.File.Registration!.Adapter.Name);
        using RawPort slave = new(_engine);
        nmreq peer = new() { nr_flags = NetmapReq.NR_REG_PIPE_SLAVE, nr_ringid = 4095 };
        Assert.Equal(Errno.Success, Run(NetmapH.NIOCREGIF, parent, ref peer, slave));
        Assert.Equal($"{parent}}}4095", slave.File.Registration!.Adapter.Name);
    }

    [Fact]
    public void LongNamesAreCutAfterFifteenCharacters()
    {
        nmreq body = new() { nr_version = NetmapH.NETMAP_API };
        "sixteen-chars-xx{"u8[..16].CopyTo(new Span<byte>(body.nr_name, 16));
        Assert.Equal(Errno.ENXIO, _file.Ioctl(NetmapH.NIOCREGIF, &body));
        "0123456789abc{xy"u8.CopyTo(new Span<byte>(body.nr_name, 16));
        Assert.Equal(Errno.Success, _file.Ioctl(NetmapH.NIOCREGIF, &body));
        Assert.Equal("0123456789abc{x", _file.File.Registration!.Adapter.Name);
    }

    [Theory]
    [InlineData(13, false)]
    [InlineData(14, true)]
    [InlineData(15, true)]
    [InlineData(65535, true)]
    public void AnyVersionFromFourteenOnWillDo(uint version, bool accepted)
    {
        nmreq body = new() { nr_version = version };
        PortNames.Write(new Span<byte>(body.nr_name, 16), "m0");
        Assert.Equal(accepted ? Errno.Success : Errno.EINVAL, _file.Ioctl(NetmapH.NIOCGINFO, &body));
    }

    [Fact]
    public void InfoOfAPortAndOfAMemoryAlone()
    {
        nmreq body = new() { nr_offset = 77, nr_cmd = 3 };
        Assert.Equal(Errno.Success, Run(NetmapH.NIOCGINFO, "m0", ref body));
        Assert.Equal((77u, (ushort)2, (ushort)2, (ushort)1), (body.nr_offset, body.nr_tx_rings, body.nr_rx_rings, body.nr_arg2));
        Assert.Equal((uint)_engine.Core.Memories.Global.Bytes, body.nr_memsize);
        body = new() { nr_tx_slots = 5, nr_rx_rings = 6 };
        Assert.Equal(Errno.Success, Run(NetmapH.NIOCGINFO, "", ref body));
        Assert.Equal((5u, (ushort)6, (ushort)1, (uint)_engine.Core.Memories.Global.Bytes), (body.nr_tx_slots, body.nr_rx_rings, body.nr_arg2, body.nr_memsize));
        body = new() { nr_arg2 = 77 };
        Assert.Equal(Errno.EINVAL, Run(NetmapH.NIOCGINFO, "", ref body));
    }

    /// <summary>The question makes the port, and with it what it asks for.</summary>
    [Fact]
    public void InfoOfAPortThatIsMadeForTheQuestion()
    {
        nmreq body = new() { nr_tx_slots = 100, nr_rx_slots = 200, nr_tx_rings = 2, nr_rx_rings = 3 };
        Assert.Equal(Errno.Success, Run(NetmapH.NIOCGINFO, "vale0:q", ref body));
        Assert.Equal((100u, 200u, (ushort)2, (ushort)3), (body.nr_tx_slots, body.nr_rx_slots, body.nr_tx_rings, body.nr_rx_rings));
        nmreq_port_info_get info = new() { nr_tx_slots = 100, nr_rx_slots = 200, nr_tx_rings = 2, nr_rx_rings = 3 };
        Assert.Equal(Errno.Success, _file.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, "x}1", ref info));
        Assert.Equal((200u, 100u, (ushort)3, (ushort)2), (info.nr_tx_slots, info.nr_rx_slots, info.nr_tx_rings, info.nr_rx_rings));
        Assert.Empty(_engine.Core.Switches.All);
        Assert.Null(_engine.Core.Switches.FindPersistent("x"));
    }

    private void Count(out int nic, out int host)
    {
        nic = _file.File.Registration!.TxRings.Count(ring => !ring.IsHost);
        host = _file.File.Registration.TxRings.Count(ring => ring.IsHost);
    }

    private Errno Run(uint request, string name, ref nmreq body, RawPort? file = null)
    {
        body.nr_version = NetmapH.NETMAP_API;
        fixed (nmreq* address = &body)
        {
            PortNames.Write(new Span<byte>(address->nr_name, 16), name);
            return (file ?? _file).Ioctl(request, address);
        }
    }
}
