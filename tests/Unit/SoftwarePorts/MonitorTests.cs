using Netmap.Control;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>Monitors beside each other, behind each other, too slow, and left alone (spec 9).</summary>
public sealed unsafe class MonitorTests : RawPortTests
{
    private const ulong Rx = NetmapH.NR_MONITOR_RX;
    private const ulong Tx = NetmapH.NR_MONITOR_TX;
    private const ulong ZeroCopy = NetmapH.NR_ZCOPY_MON;

    [Fact]
    public void EveryMonitorSeesEveryPacketAndSentOnesAreMarked()
    {
        (RawPort a, RawPort b) = (Open("vale0:a"), Open("vale0:b"));
        RawPort[] monitors = [Open("vale0:a", Rx), Open("vale0:a", Rx | Tx), Open("vale0:a", Tx)];
        byte[][] to = Traffic.Some(1, from: 4);
        byte[][] from = Traffic.Some(2, from: 5);
        b.Send(to);
        Assert.Equal(Errno.Success, a.RxSync());
        a.Send(from);
        monitors[0].Gets(to);
        monitors[2].Gets(from);
        monitors[1].RxSync();
        Assert.Equal(0, RawPort.Slots(monitors[1].Rx())->flags & NetmapH.NS_TXMON);
        Assert.Equal(to, monitors[1].Take(to.Length));
        Assert.NotEqual(0, RawPort.Slots(monitors[1].Rx())[monitors[1].Rx()->head].flags & NetmapH.NS_TXMON);
        monitors[1].Gets(from);
        a.Gets(to);
        b.Gets(from);
    }

    [Fact]
    public void ZeroCopyMonitorsSeeWhatTheOneBeforeGaveBack()
    {
        (RawPort a, RawPort b) = (Open("vale0:a"), Open("vale0:b"));
        (RawPort first, RawPort second) = (Open("vale0:a", ZeroCopy), Open("vale0:a", ZeroCopy));
        byte[][] packets = Traffic.Some(3);
        b.Send(packets);
        a.Gets(packets);
        second.GetsNothing();
        first.Gets(packets);
        second.Gets(packets);
        a.Send(packets);
        first.Gets(packets);
        second.RxSync();
        Assert.NotEqual(0, RawPort.Slots(second.Rx())[second.Rx()->head].flags & NetmapH.NS_TXMON);
        second.Gets(packets);
    }

    /// <summary>The chain is cut: nobody writes into the rings of a monitor that is closed.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AChainWhosePortIsGoneIsNoChain(int leavesFirst)
    {
        (RawPort a, RawPort b) = (Open("vale0:a"), Open("vale0:b"));
        RawPort keeper = Open("keep", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = a.Register.nr_mem_id });
        int before = keeper.Memory.Available.Buffers;
        RawPort[] monitors = [Open("vale0:a", ZeroCopy), Open("vale0:a", ZeroCopy)];
        b.Send(Traffic.Some(3));
        a.Receive();
        monitors[0].RxSync();
        a.Dispose();
        monitors[leavesFirst].Dispose();
        RawPort last = monitors[1 - leavesFirst];
        last.Take();
        Assert.Equal(Errno.Success, last.RxSync());
        Assert.Equal(Poll.POLLERR, last.Poll(Poll.POLLIN) & Poll.POLLERR);
        last.Dispose();
        Assert.Equal(before + 2048, keeper.Memory.Available.Buffers);
    }

    /// <summary>The rings of one are not those of the other; they come and go in any order.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void ZeroCopyMonitorsOfDifferentWidthStandBehindEachOther(int leavesFirst)
    {
        Engine.AddMemoryPair("m0", "m1");
        RawPort port = Open("m0", new nmreq_register { nr_mode = NetmapReq.NR_REG_NIC_SW });
        RawPort far = Open("m1");
        RawPort[] monitors =
        [
            Open("m0", new nmreq_register { nr_mode = NetmapReq.NR_REG_NIC_SW, nr_flags = ZeroCopy }),
            Open("m0", ZeroCopy),
        ];
        byte[][] packets = [.. Enumerable.Range(0, 30).Select(i => Traffic.Packet(100, i))];
        far.Send(packets);
        port.Gets(packets);
        monitors[0].Gets(packets);
        monitors[1].Gets(packets);
        monitors[leavesFirst].Dispose();
        far.Send(packets);
        port.Gets(packets);
        monitors[1 - leavesFirst].Gets(packets);
    }

    /// <summary>
    /// Somebody else's thread is in the port's ring and may leave it without news; who sleeps on the monitor looks again soon.
    /// </summary>
    [Fact]
    public void ASleeperBesideABusyRingLooksAgainSoon()
    {
        Engine.AddMemoryPair("m0", "m1");
        RawPort port = Open("m0");
        RawPort monitor = Open("m0", Rx);
        KRing ring = port.File.Registration!.RxRings[0];
        using Bell bell = new();
        pollfd[] descriptors = new pollfd[monitor.File.Poller.MaxDescriptors];
        Assert.Equal(RingEntry.Entered, ring.TryEnter());
        TimeSpan beside = Timeout.InfiniteTimeSpan;
        monitor.File.Poller.PrepareSleep(bell, descriptors, Poll.POLLIN, ref beside);
        ring.Exit();
        TimeSpan alone = Timeout.InfiniteTimeSpan;
        monitor.File.Poller.PrepareSleep(bell, descriptors, Poll.POLLIN, ref alone);
        Assert.InRange(beside, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
        Assert.Equal(Timeout.InfiniteTimeSpan, alone);
    }

    [Fact]
    public void AMonitorThatIsTooSlowMissesTheOldestWholePackets()
    {
        (RawPort a, RawPort b) = (Open("vale0:a"), Open("vale0:b"));
        RawPort monitor = Open("vale0:a", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = Tx, nr_rx_slots = 10 });
        byte[][] packets = [.. Enumerable.Range(0, 8).Select(i => Traffic.Packet(4000, i))];
        a.Send(packets);
        // Nine slots: four packets of two.
        monitor.Gets(packets[4..]);
        Assert.Equal(4, monitor.File.Registration!.Adapter.Counters.Rx[0].DropsFor(DropReason.DestinationFull));
        b.Gets(packets);
        a.Send(Traffic.Packet(60, 9));
        monitor.Gets(Traffic.Packet(60, 9));
    }

    /// <summary>One ring, of a port that has fewer in one direction: that direction gives nothing.</summary>
    [Theory]
    [InlineData(Rx)]
    [InlineData(Rx | Tx)]
    [InlineData(ZeroCopy)]
    public void AMonitorOfOneRingSeesThatRing(ulong flags)
    {
        nmreq_register shape = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_rings = 1, nr_rx_rings = 3 };
        (RawPort a, RawPort b) = (Open("vale0:a", shape), Open("vale0:b", shape with { nr_tx_rings = 3, nr_rx_rings = 1 }));
        RawPort monitor = Open("vale0:a", new nmreq_register { nr_mode = NetmapReq.NR_REG_ONE_NIC, nr_ringid = 2, nr_flags = flags });
        // A known address: broadcasts all go to ring 0.
        a.Send(Traffic.Packet(60, 1, from: 4));
        for (int ring = 0; ring < 3; ring++)
            Assert.True(b.Put(Traffic.Packet(60 + ring, ring, to: 4, from: 6), ring: ring));
        b.TxSync();
        a.RxSync();
        for (int ring = 0; ring < 3; ring++)
        {
            Assert.Equal(1, Traffic.Owned(a.Rx(ring)));
            a.Rx(ring)->head = a.Rx(ring)->cur = a.Rx(ring)->tail;
        }
        a.RxSync();
        monitor.RxSync();
        Assert.Equal(1, Traffic.Owned(monitor.Rx(2)));
        Assert.Equal(62, RawPort.Slots(monitor.Rx(2))[monitor.Rx(2)->head].len);
    }

    [Fact]
    public void AMonitorOfARingThatIsNotThereInItsDirectionIsRefused()
    {
        Open("vale0:a", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_rings = 1, nr_rx_rings = 3 });
        using RawPort monitor = new(Engine);
        Assert.Equal(Errno.EINVAL, monitor.Bind("vale0:a", NetmapReq.NR_REG_ONE_NIC, ring: 2, flags: Tx));
        Assert.Equal(Errno.EINVAL, monitor.Bind("vale0:a", NetmapReq.NR_REG_ONE_NIC, ring: 3, flags: Rx | Tx));
        Assert.Equal(Errno.Success, monitor.Bind("vale0:a", NetmapReq.NR_REG_ONE_NIC, ring: 0, flags: Tx));
    }

    /// <summary>A monitor that writes nonsense into its slots costs itself packets, not the port its buffers.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(uint.MaxValue)]
    public void AZeroCopyMonitorWithoutBuffersGetsNone(uint index)
    {
        (RawPort a, RawPort b) = (Open("vale0:a"), Open("vale0:b"));
        RawPort monitor = Open("vale0:a", ZeroCopy);
        for (int i = 0; i < 1024; i++)
            RawPort.Slots(monitor.Rx())[i].buf_idx = index;
        byte[][] packets = [.. Enumerable.Range(0, 100).Select(i => Traffic.Packet(60, i))];
        for (int i = 0; i < 20; i++)
        {
            b.Send(packets);
            a.Gets(packets);
            a.Send(packets);
            b.Gets(packets);
            monitor.Receive();
        }
        Assert.Equal(4000, monitor.File.Registration!.Adapter.Counters.Rx[0].DropsFor(DropReason.BadSlot));
    }

    /// <summary>A monitor is woken by what comes for its port; the port's own reader too, whoever was first.</summary>
    [Fact]
    public void PortAndMonitorsAreWokenByTheSamePacket()
    {
        (RawPort a, RawPort b) = (Open("vale0:a"), Open("vale0:b"));
        RawPort[] sleepers = [a, Open("vale0:a", Rx), Open("vale0:a", Rx)];
        short[] found = new short[3];
        for (int round = 0; round < 50; round++)
        {
            Thread[] threads = [.. sleepers.Select((port, i) => new Thread(() => found[i] = port.Poll(Poll.POLLIN, 20000)))];
            foreach (Thread thread in threads)
                thread.Start();
            b.Send(Traffic.Packet(60, round));
            foreach (Thread thread in threads)
                thread.Join();
            Assert.All(found, bits => Assert.Equal(Poll.POLLIN, bits));
            foreach (RawPort port in sleepers)
                port.Gets(Traffic.Packet(60, round));
        }
    }

    /// <summary>Several threads that poll one port all return.</summary>
    [Theory]
    [InlineData("vale0:a", "vale0:b")]
    [InlineData("p{1", "p}1")]
    public void AllPollersOfAPortAreWoken(string to, string from)
    {
        (RawPort port, RawPort sender) = (Open(to), Open(from));
        short[] found = new short[4];
        for (int round = 0; round < 100; round++)
        {
            Thread[] threads = [.. found.Select((_, i) => new Thread(() => found[i] = port.Poll(Poll.POLLIN, 20000)))];
            foreach (Thread thread in threads)
                thread.Start();
            sender.Send(Traffic.Packet(60, round));
            foreach (Thread thread in threads)
                thread.Join();
            Assert.All(found, bits => Assert.Equal(Poll.POLLIN, bits));
            port.Gets(Traffic.Packet(60, round));
        }
    }
}
