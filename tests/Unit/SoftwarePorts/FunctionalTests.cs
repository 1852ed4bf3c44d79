using Netmap.Interop;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>
/// The rows of netmap's own utils/tests (spec 13) on ports that programs make: packets of random length, 50..10049 bytes, 1
/// to 100 of them, so that most take several slots.
/// </summary>
public sealed unsafe class FunctionalTests : RawPortTests
{
    public static TheoryData<int, bool> Seeds => new() { { 1, false }, { 2, false }, { 3, true }, { 4, true } };

    /// <summary>001, 003. Of a pipe each end counts for itself.</summary>
    [Theory]
    [InlineData("vale0:1", false)]
    [InlineData("vale0:1", true)]
    [InlineData("pip{1", false)]
    [InlineData("pip}1", true)]
    public void AfterAnExclusiveOpenAnotherFails(string name, bool legacy)
    {
        Open(name, legacy, NetmapH.NR_EXCLUSIVE);
        using RawPort second = new(Engine);
        Assert.Equal(Errno.EBUSY, Bind(second, name, legacy, NetmapH.NR_EXCLUSIVE));
        Assert.Equal(Errno.EBUSY, Bind(second, name, legacy));
    }

    /// <summary>004: swapped into transmit slots with NS_BUF_CHANGED; 006: through a pipe whose parent does not exist.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ExtraBuffersAreSentFrom(int seed, bool legacy)
    {
        RawPort[] others = [Open("vale0:v0", legacy), Open("vale0:v1", legacy)];
        RawPort from = Open("vale0:v2", legacy, extra: 600);
        ExtraBuffersArrive(from, seed, others);
        RawPort end = Open("pip}x", legacy);
        ExtraBuffersArrive(Open("pip{x", legacy, extra: 600), seed, end);
    }

    /// <summary>007.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void UnicastReachesTheOneThatWasHeard(int seed, bool legacy)
    {
        RawPort[] ports = [Open("vale0:v0", legacy), Open("vale0:v1", legacy), Open("vale0:v2", legacy)];
        byte[][] all = Traffic.Some(seed, from: 0x02_0000_0000_02);
        ports[2].Send(all);
        ports[0].Gets(all);
        ports[1].Gets(all);
        byte[][] one = Traffic.Some(seed + 10, to: 0x02_0000_0000_02, from: 0x02_0000_0000_03);
        ports[0].Send(one);
        ports[1].GetsNothing();
        ports[2].Gets(one);
    }

    /// <summary>008: what a new open of the same end sees, and that a full pipe takes no more.</summary>
    [Fact]
    public void APipeKeepsCountWhoeverOpensIt()
    {
        RawPort sender = Open("pip{1", legacy: true);
        RawPort reader = Open("pip}1", legacy: true);
        sender.Send(Enumerable.Range(0, 10).Select(i => Traffic.Packet(100, i)));
        Traffic.AssertSame([.. Enumerable.Range(0, 7).Select(i => Traffic.Packet(100, i))], reader.Receive(most: 7));
        RawPort again = Open("pip{1", legacy: true);
        again.TxSync();
        int room = Traffic.Owned(again.Tx());
        Assert.Equal(3, (int)again.Register.nr_tx_slots - 1 - room);
        for (int i = 0; i < room; i++)
            Assert.True(again.Put(Traffic.Packet(100, 10 + i)));
        Assert.Equal(0, again.Poll(Poll.POLLOUT, 2));
        Assert.False(again.Put(Traffic.Packet(100, 0)));
        reader.Gets(Enumerable.Range(7, 3 + room).Select(i => Traffic.Packet(100, i)));
    }

    /// <summary>012, 014: seen before the port's reader looks, who gets them all the same.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ACopyMonitorSeesWhatArrives(int seed, bool legacy)
    {
        foreach ((string to, string from) in Pairs)
        {
            RawPort receiver = Open(to, legacy);
            RawPort sender = Open(from, legacy);
            RawPort monitor = Open(to, legacy, NetmapH.NR_MONITOR_RX);
            byte[][] packets = Traffic.Some(seed);
            sender.Send(packets);
            monitor.Gets(packets);
            receiver.Gets(packets);
            monitor.GetsNothing();
        }
    }

    /// <summary>015, 017: seen when the reader gives them back, not before.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void AZeroCopyMonitorSeesWhatWasConsumed(int seed, bool legacy)
    {
        foreach ((string to, string from) in Pairs)
        {
            RawPort receiver = Open(to, legacy);
            RawPort sender = Open(from, legacy);
            RawPort monitor = Open(to, legacy, NetmapH.NR_ZCOPY_MON | NetmapH.NR_MONITOR_RX);
            byte[][] packets = Traffic.Some(seed);
            sender.Send(packets);
            monitor.GetsNothing();
            receiver.Gets(packets);
            monitor.Gets(packets);
        }
    }

    /// <summary>018, 020.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ACopyMonitorSeesWhatIsSent(int seed, bool legacy)
    {
        foreach ((string to, string from) in Pairs)
        {
            RawPort receiver = Open(to, legacy);
            RawPort sender = Open(from, legacy);
            RawPort monitor = Open(from, legacy, NetmapH.NR_MONITOR_TX);
            byte[][] packets = Traffic.Some(seed);
            sender.Send(packets);
            monitor.Gets(packets);
            receiver.Gets(packets);
        }
    }

    /// <summary>021.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void BroadcastsReachBothOthersInEveryDirection(int seed, bool legacy)
    {
        RawPort[] ports = [Open("vale0:v0", legacy), Open("vale0:v1", legacy), Open("vale0:v2", legacy)];
        for (int from = 0; from < 3; from++)
        {
            byte[][] packets = Traffic.Some(seed + from, from: 0x02_0000_0000_10 + (ulong)from);
            ports[from].Send(packets);
            for (int to = 0; to < 3; to++)
                ports[to].Gets(to == from ? [] : packets);
        }
    }

    /// <summary>023.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void PipesCarryBothWays(int seed, bool legacy)
    {
        foreach (string parent in (string[])["pip", "vale0:v0"])
        {
            RawPort master = Open(parent + "{a", legacy);
            RawPort slave = Open(parent + "}a", legacy);
            byte[][] there = Traffic.Some(seed);
            byte[][] back = Traffic.Some(seed + 1);
            master.Send(there);
            slave.Gets(there);
            slave.Send(back);
            master.Gets(back);
        }
    }

    /// <summary>025: a switch completes at once.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void AZeroCopyMonitorSeesWhatASwitchTook(int seed, bool legacy)
    {
        RawPort receiver = Open("vale0:v0", legacy);
        RawPort sender = Open("vale0:v1", legacy);
        RawPort monitor = Open("vale0:v1", legacy, NetmapH.NR_ZCOPY_MON | NetmapH.NR_MONITOR_TX);
        byte[][] packets = Traffic.Some(seed);
        sender.Send(packets);
        monitor.Gets(packets);
        receiver.Gets(packets);
    }

    /// <summary>027: on a pipe the slots come back when the peer has read and the sender syncs.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void AZeroCopyMonitorSeesWhatAPipeGaveBack(int seed, bool legacy)
    {
        RawPort receiver = Open("pip}x", legacy);
        RawPort sender = Open("pip{x", legacy);
        RawPort monitor = Open("pip{x", legacy, NetmapH.NR_ZCOPY_MON | NetmapH.NR_MONITOR_TX);
        byte[][] packets = Traffic.Some(seed);
        sender.Send(packets);
        monitor.GetsNothing();
        receiver.Gets(packets);
        monitor.GetsNothing();
        sender.TxSync();
        monitor.Gets(packets);
    }

    private static (string To, string From)[] Pairs => [("vale0:v0", "vale0:v1"), ("pip}1", "pip{1")];

    private static Errno Bind(RawPort port, string name, bool legacy, ulong flags = 0, uint extra = 0) => legacy
        ? port.BindLegacy(name, NetmapReq.NR_REG_ALL_NIC | (uint)flags, extra: extra)
        : port.Bind(name, flags: flags, extra: extra);

    private RawPort Open(string name, bool legacy, ulong flags = 0, uint extra = 0)
    {
        RawPort port = new(Engine);
        Ports.Add(port);
        Assert.Equal(Errno.Success, Bind(port, name, legacy, flags, extra));
        return port;
    }

    /// <summary>All slots get extra buffers, what they had becomes the list; afterwards every buffer is still somebody's.</summary>
    private static void ExtraBuffersArrive(RawPort port, int seed, params RawPort[] receivers)
    {
        Assert.Equal(600u, port.Register.nr_extra_bufs);
        netmap_ring* tx = port.Tx();
        uint* link = &port.Interface->ni_bufs_head;
        for (int i = 0; i < 600; i++)
        {
            netmap_slot* slot = RawPort.Slots(tx) + i;
            Assert.NotEqual(0u, *link);
            uint extra = *link;
            uint rest = *(uint*)RawPort.Buffer(tx, extra);
            *link = slot->buf_idx;
            link = (uint*)RawPort.Buffer(tx, slot->buf_idx);
            *link = rest;
            slot->buf_idx = extra;
        }
        Assert.Equal(0u, *link);
        byte[][] packets = Traffic.Some(seed);
        foreach (byte[] packet in packets)
            Assert.True(port.Put(packet, NetmapH.NS_BUF_CHANGED));
        Assert.Equal(Errno.Success, port.TxSync());
        foreach (RawPort receiver in receivers)
            receiver.Gets(packets);
        int before = port.Memory.Available.Buffers;
        int expected = before + 600 + (receivers.Length > 1 ? 2 * 1024 : 0);
        Netmap.Memory.NetmapMemory memory = port.Memory;
        using RawPort keeper = new(port.File.Engine);
        Assert.Equal(Errno.Success, keeper.Bind("keeper", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = (ushort)memory.Id }));
        port.Dispose();
        Assert.Equal(expected, memory.Available.Buffers);
    }
}
