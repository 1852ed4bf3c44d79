using Netmap.Interop;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>Every refusal of pipes, ports of switches, monitors and null ports, with its errno (spec 7.1, 8, 9, 10).</summary>
public sealed unsafe class RefusalTests : RawPortTests
{
    public RefusalTests()
        : base(new() { RingSize = 66048 }) => Engine.AddMemoryPair("m0", "m1");

    [Theory]
    [InlineData("vale")]
    [InlineData("vale0")]
    [InlineData("vale-1:x")]
    [InlineData("vale 1:x")]
    [InlineData("vale0:aaaaaaaaaaaaaaaa")]
    [InlineData("vale012345678901:a")]
    public void SwitchesOfSuchNamesCannotBe(string name)
    {
        Refused(Errno.ENOMEM, name);
        nmreq_port_hdr header = default;
        Assert.Equal(Errno.ENXIO, new RawPort(Engine).Control(NetmapReq.NETMAP_REQ_PORT_HDR_GET, name, ref header));
    }

    [Theory]
    [InlineData("vale0:")]
    [InlineData("vale:1")]
    [InlineData("vale_a1:any thing/x")]
    [InlineData("vale01234567890:aaaaaaaaaaaaaaa")]
    public void SwitchesOfSuchNamesCanBe(string name) => Open(name);

    [Fact]
    public void AnInterfaceThatIsNotAttachedIsNoPort() => Refused(Errno.EINVAL, "vale0:m0");

    [Theory]
    [InlineData(NetmapReq.NR_REG_SW)]
    [InlineData(NetmapReq.NR_REG_NIC_SW)]
    [InlineData(NetmapReq.NR_REG_ONE_SW)]
    [InlineData(NetmapReq.NR_REG_DEFAULT)]
    [InlineData(99u)]
    public void SwitchPortsAndPipesHaveNoHostRingsAndNoOtherModes(uint mode)
    {
        Refused(Errno.EINVAL, "vale0:1", new nmreq_register { nr_mode = mode });
        Refused(Errno.EINVAL, "pip{1", new nmreq_register { nr_mode = mode });
        Assert.Empty(Engine.Core.Switches.All);
        Assert.Null(Engine.Core.Switches.FindPersistent("pip"));
    }

    [Fact]
    public void ThereAreAsManySwitchesAndPortsAsTheOptionsAllow()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { SwitchCount = 8, SwitchPortCount = 5 });
        List<RawPort> ports = [];
        for (int i = 0; i < 8; i++)
            Assert.Equal(Errno.Success, Add("vale" + i + ":a"));
        Assert.Equal(Errno.ENOMEM, Add("vale8:a"));
        for (int i = 1; i < 5; i++)
            Assert.Equal(Errno.Success, Add("vale0:p" + i));
        Assert.Equal(Errno.ENOMEM, Add("vale0:p5"));
        // A switch goes with its last port, and makes room for another.
        ports[1].Dispose();
        Assert.Equal(Errno.Success, Add("vale8:a"));
        foreach (RawPort port in ports)
            port.Dispose();
        Assert.Empty(engine.Core.Switches.All);

        Errno Add(string name)
        {
            ports.Add(new RawPort(engine));
            return ports[^1].Bind(name);
        }
    }

    [Fact]
    public void RingsAndSlotsOfSwitchPortsAreBounded()
    {
        RawPort port = Open("vale0:1", new nmreq_register { nr_tx_rings = 100, nr_rx_rings = 2, nr_tx_slots = 9, nr_rx_slots = 100000, nr_mode = NetmapReq.NR_REG_ALL_NIC });
        nmreq_register got = port.Register;
        Assert.Equal((16, 2, 9u, 4096u), (got.nr_tx_rings, got.nr_rx_rings, got.nr_tx_slots, got.nr_rx_slots));
        // Further opens share what is there.
        RawPort again = Open("vale0:1", new nmreq_register { nr_tx_rings = 1, nr_tx_slots = 50, nr_mode = NetmapReq.NR_REG_ALL_NIC });
        Assert.Equal((16, 9u, got.nr_mem_id), (again.Register.nr_tx_rings, again.Register.nr_tx_slots, again.Register.nr_mem_id));
    }

    [Theory]
    [InlineData("{1")]
    [InlineData("}1")]
    [InlineData("pip{")]
    [InlineData("pip}")]
    public void BothPartsOfAPipesNameAreThere(string name) => Refused(Errno.EINVAL, name);

    [Fact]
    public void PipeModesBelongIntoTheName()
    {
        Refused(Errno.EINVAL, "m0", new nmreq_register { nr_mode = NetmapReq.NR_REG_PIPE_MASTER, nr_ringid = 1 });
        Refused(Errno.EINVAL, "m0", new nmreq_register { nr_mode = NetmapReq.NR_REG_PIPE_SLAVE, nr_ringid = 1 });
        Refused(Errno.ENXIO, "no_such_parent_16{1");
        Open("0123456789abcde{" + new string('p', 40));
    }

    [Fact]
    public void APipeThatIsNotThereIsNotFound()
    {
        nmreq_port_hdr header = default;
        RawPort unbound = new(Engine);
        Assert.Equal(Errno.ENODEV, unbound.Control(NetmapReq.NETMAP_REQ_PORT_HDR_GET, "m0{1", ref header));
        Assert.Equal(Errno.ENXIO, unbound.Control(NetmapReq.NETMAP_REQ_PORT_HDR_GET, "nowhere{1", ref header));
        Open("m0{1");
        Assert.Equal(Errno.Success, unbound.Control(NetmapReq.NETMAP_REQ_PORT_HDR_GET, "m0}1", ref header));
        Assert.Equal(0u, header.nr_hdr_len);
    }

    [Fact]
    public void AParentHas64Pipes()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { RingCount = 400, RingSize = 16640 });
        engine.AddMemoryPair("m0", "m1");
        List<RawPort> ports = [];
        for (int i = 0; i < 64; i++)
        {
            ports.Add(new RawPort(engine));
            Assert.Equal(Errno.Success, ports[i].Bind("m0{" + i, new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_slots = 16, nr_rx_slots = 16 }));
        }
        using RawPort one = new(engine);
        Assert.Equal(Errno.EINVAL, one.Bind("m0{64"));
        Assert.Equal(Errno.Success, one.Bind("m0}63"));
        ports[5].Dispose();
        using RawPort instead = new(engine);
        Assert.Equal(Errno.Success, instead.Bind("m0{64"));
        foreach (RawPort port in ports)
            port.Dispose();
    }

    [Fact]
    public void PipesNeedRoomInTheirParentsMemory()
    {
        RawPort parent = Open("vale0:1");
        List<RawPort> pipes = [];
        Errno last;
        do
        {
            pipes.Add(new RawPort(Engine));
            last = pipes[^1].Bind($"vale0:1{{{pipes.Count}");
        }
        while (last == Errno.Success);
        Assert.Equal(Errno.ENOMEM, last);
        (int, int, int) full = parent.Memory.Available;
        RawPort one = new(Engine);
        Assert.Equal(Errno.ENOMEM, one.Bind("vale0:1{x"));
        Assert.Equal(full, parent.Memory.Available);
        // Eleven interface objects and twenty rings: the reference's figures, room for two pipes and some.
        foreach (RawPort pipe in pipes)
            pipe.Dispose();
        Assert.Empty(parent.File.Registration!.Adapter.Pipes);
        Open("vale0:1{y");
    }

    [Fact]
    public void TheFirstOpenerOfAPipeDecidesOnItsShape()
    {
        nmreq_register shape = new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_rings = 2, nr_rx_rings = 0, nr_tx_slots = 100, nr_rx_slots = 5000 };
        nmreq_register slave = Open("m0}1", shape).Register;
        // What is asked for holds for the master, also when the slave asks.
        Assert.Equal((1, 2, 4096u, 100u), (slave.nr_tx_rings, slave.nr_rx_rings, slave.nr_tx_slots, slave.nr_rx_slots));
        nmreq_register master = Open("m0{1", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_slots = 7 }).Register;
        Assert.Equal((2, 1, 100u, 4096u), (master.nr_tx_rings, master.nr_rx_rings, master.nr_tx_slots, master.nr_rx_slots));
        Refused(Errno.EINVAL, "m0{1", new nmreq_register { nr_mode = NetmapReq.NR_REG_ONE_NIC, nr_ringid = 2 });
    }

    [Fact]
    public void MonitorsNeedAnOpenPortAndItsRings()
    {
        foreach (ulong flags in (ulong[])[NetmapH.NR_MONITOR_RX, NetmapH.NR_MONITOR_TX, NetmapH.NR_ZCOPY_MON])
        {
            Refused(Errno.EINVAL, "m0", flags: flags);
            Refused(Errno.EINVAL, "vale0:1", flags: flags);
            Refused(Errno.EINVAL, "pip{1", flags: flags);
            Refused(Errno.ENXIO, "nowhere", flags: flags);
            Refused(Errno.ENOMEM, "vale", flags: flags);
        }
        Assert.Empty(Engine.Core.Switches.All);
        Open("vale0:1");
        Open("pip{1");
        Refused(Errno.EINVAL, "pip}1", flags: NetmapH.NR_MONITOR_RX);
        Refused(Errno.EINVAL, "vale0:1", new nmreq_register { nr_mode = NetmapReq.NR_REG_ONE_NIC, nr_ringid = 1, nr_flags = NetmapH.NR_MONITOR_RX });
        Refused(Errno.EINVAL, "vale0:1", new nmreq_register { nr_mode = NetmapReq.NR_REG_SW, nr_flags = NetmapH.NR_MONITOR_RX });
    }

    [Fact]
    public void ExclusivePortsCanBeMonitored()
    {
        Open("vale0:1", flags: NetmapH.NR_EXCLUSIVE);
        Open("vale0:1", flags: NetmapH.NR_MONITOR_RX);
        Open("vale0:1", flags: NetmapH.NR_MONITOR_RX | NetmapH.NR_EXCLUSIVE);
        Open("vale0:1", flags: NetmapH.NR_ZCOPY_MON);
    }

    [Fact]
    public void AMonitorSendsNothing()
    {
        Open("vale0:1");
        RawPort monitor = Open("vale0:1", flags: NetmapH.NR_MONITOR_RX);
        Assert.True(monitor.Put(Traffic.Packet(60, 1)));
        Assert.Equal(Errno.Success, monitor.TxSync());
        Assert.Equal(Poll.POLLERR, monitor.Poll(Poll.POLLOUT) & Poll.POLLERR);
        Assert.Equal((1u, 1u, 1023u), RawPort.Indices(monitor.Tx()));
    }

    [Fact]
    public void AMonitorOfAClosedPortIsDead()
    {
        RawPort port = Open("vale0:1");
        RawPort monitor = Open("vale0:1", flags: NetmapH.NR_MONITOR_RX);
        Assert.Equal(0, monitor.Poll(Poll.POLLIN));
        port.Dispose();
        Assert.Equal(Errno.Success, monitor.RxSync());
        Assert.Equal(Poll.POLLERR, monitor.Poll(Poll.POLLIN));
        // Also when the port is opened again: the monitor must be, too.
        Open("vale0:1");
        Assert.Equal(Poll.POLLERR, monitor.Poll(Poll.POLLIN));
        monitor.Dispose();
        Open("vale0:1", flags: NetmapH.NR_MONITOR_RX);
    }

    [Fact]
    public void ANullPortNeedsAMemory()
    {
        Refused(Errno.EINVAL, "any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL });
        Refused(Errno.EINVAL, "any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = 9 });
        Refused(Errno.ENOMEM, "any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = 1, nr_tx_rings = 1, nr_tx_slots = uint.MaxValue });
        Refused(Errno.ENOMEM, "any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = 1, nr_tx_rings = ushort.MaxValue });
        RawPort port = Open("any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = 1, nr_extra_bufs = 5 });
        Assert.Equal((0, 0, 0u, 5u), (port.Register.nr_tx_rings, port.Register.nr_rx_rings, port.Register.nr_tx_slots, port.Register.nr_extra_bufs));
    }

    [Fact]
    public void ANullPortsRingsNeverMove()
    {
        RawPort port = Open("any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = 1, nr_tx_rings = 2, nr_rx_rings = 1, nr_tx_slots = 10, nr_rx_slots = 5 });
        Assert.Equal((2, 1, 10u, 5u), (port.Register.nr_tx_rings, port.Register.nr_rx_rings, port.Register.nr_tx_slots, port.Register.nr_rx_slots));
        Assert.True(port.Put(Traffic.Packet(60, 1), ring: 1));
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal(Errno.Success, port.RxSync());
        Assert.Equal((1u, 1u, 9u), RawPort.Indices(port.Tx(1)));
        Assert.Equal((0u, 0u, 0u), RawPort.Indices(port.Rx()));
        Assert.Equal(Poll.POLLOUT, port.Poll(Poll.POLLOUT | Poll.POLLIN));
    }

    [Fact]
    public void MemoryOfAnotherPortIsUsedByASwitchPortAndKeptAlive()
    {
        RawPort first = Open("vale0:1");
        RawPort second = Open("vale0:2", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_mem_id = first.Register.nr_mem_id });
        Assert.Same(first.Memory, second.Memory);
        first.Dispose();
        RawPort third = Open("any", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = second.Register.nr_mem_id });
        Assert.Same(second.Memory, third.Memory);
        int id = third.Register.nr_mem_id;
        second.Dispose();
        third.Dispose();
        Refused(Errno.EINVAL, "vale0:3", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_mem_id = (ushort)id });
    }

    private void Refused(Errno errno, string name, ulong flags = 0) =>
        Refused(errno, name, new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = flags });

    private void Refused(Errno errno, string name, nmreq_register body)
    {
        using RawPort port = new(Engine);
        Assert.Equal(errno, port.Bind(name, body));
        Assert.Null(port.File.Registration);
        Assert.NotEmpty(port.File.LastRefusal!.Message);
    }
}
