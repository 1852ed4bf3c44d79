using Microsoft.Extensions.Time.Testing;
using Netmap.Interop;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>Forwarding on a switch, case by case: where the reference has a quirk, and what must not go wrong.</summary>
public sealed unsafe class SwitchTests : RawPortTests
{
    private const ulong A = 0x02_0000_0000_0a;
    private const ulong B = 0x02_0000_0000_0b;

    private readonly FakeTimeProvider _clock;

    public SwitchTests()
        : this(new FakeTimeProvider())
    {
    }

    private SwitchTests(FakeTimeProvider clock)
        : base(new() { Clock = clock }) => _clock = clock;

    [Fact]
    public void AddressesAreForgottenAfterFiveMinutes()
    {
        (RawPort a, RawPort b, RawPort c) = (Join("a"), Join("b"), Join("c"));
        a.Send(Traffic.Packet(60, 1, from: A));
        Drain(b, c);
        _clock.Advance(TimeSpan.FromSeconds(300));
        b.Send(Traffic.Packet(60, 2, A, B));
        c.GetsNothing();
        _clock.Advance(TimeSpan.FromSeconds(1));
        b.Send(Traffic.Packet(60, 3, A, B));
        c.Gets(Traffic.Packet(60, 3, A, B));
    }

    [Fact]
    public void AddressesGoWithTheirPort()
    {
        (RawPort a, RawPort b, RawPort c) = (Join("a"), Join("b"), Join("c"));
        a.Send(Traffic.Packet(60, 1, from: A));
        Drain(b, c);
        a.Dispose();
        // Gets the number of the one that went, not its addresses.
        RawPort again = Join("d");
        b.Send(Traffic.Packet(60, 2, A, B));
        c.Gets(Traffic.Packet(60, 2, A, B));
        again.Gets(Traffic.Packet(60, 2, A, B));
    }

    [Fact]
    public void AnAddressThatMovesIsFoundAtOnce()
    {
        (RawPort a, RawPort b, RawPort c) = (Join("a"), Join("b"), Join("c"));
        a.Send(Traffic.Packet(60, 1, from: A));
        b.Send(Traffic.Packet(60, 2, from: A));
        a.Send(Traffic.Packet(60, 3, from: A));
        Drain(a, b, c);
        c.Send(Traffic.Packet(60, 4, A, B));
        a.Gets(Traffic.Packet(60, 4, A, B));
        b.GetsNothing();
    }

    /// <summary>Frames of zeros, as generators send them, say nothing about where a station is: they go to all.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheZeroAddressIsNoStations(bool lossless)
    {
        Engine.Core.Switches.FindOrCreate(Engine.Core.Owners.Self, "vale0").Lossless = lossless;
        (RawPort a, RawPort b, RawPort c) = (Join("a"), Join("b"), Join("c"));
        b.Send(Traffic.Packet(60, 1, to: 0, from: B));
        a.Gets(Traffic.Packet(60, 1, to: 0, from: B));
        c.Gets(Traffic.Packet(60, 1, to: 0, from: B));
        c.Send(Traffic.Packet(60, 2, from: 0));
        Drain(a, b);
        b.Send(Traffic.Packet(60, 3, to: 0, from: B));
        a.Gets(Traffic.Packet(60, 3, to: 0, from: B));
        c.Gets(Traffic.Packet(60, 3, to: 0, from: B));
        // The one who sends them, too.
        c.Send(new byte[60]);
        a.Gets(new byte[60]);
        b.Gets(new byte[60]);
        c.Send(new byte[60]);
        a.Gets(new byte[60]);
        b.Gets(new byte[60]);
    }

    [Fact]
    public void BroadcastsMixedWithUnicastComeOnceAndInOrder()
    {
        RawPort from = Join("a", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_rings = 2 });
        RawPort to = Join("b", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_rx_rings = 2 });
        to.Send(Traffic.Packet(60, 0, from: B));
        Drain(from);
        byte[][] packets = [.. Enumerable.Range(0, 20).Select(i => Traffic.Packet(60, i, i % 3 == 0 ? Traffic.Broadcast : B, A))];
        foreach (byte[] packet in packets)
            Assert.True(from.Put(packet, ring: 1));
        from.TxSync();
        to.RxSync();
        Traffic.AssertSame([.. packets.Where((_, i) => i % 3 == 0)], to.Take());
        Traffic.AssertSame([.. packets.Where((_, i) => i % 3 != 0)], to.Take(ring: 1));
        // On one ring they are merged.
        from.Send(packets);
        to.Gets(packets);
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void APacketHas64Fragments(int fragments, bool sent)
    {
        (RawPort a, RawPort b) = (Join("a"), Join("b"));
        byte[] packet = Traffic.Packet(((fragments - 1) * 2048) + 100, 1);
        byte[] next = Traffic.Packet(60, 2);
        a.Send(packet, next);
        b.RxSync();
        if (sent)
            Assert.Equal(fragments << NetmapH.NS_PORT_SHIFT | NetmapH.NS_MOREFRAG, RawPort.Slots(b.Rx())->flags);
        b.Gets(sent ? [packet, next] : [next]);
        Assert.Equal(sent ? 0 : 1, Drops(a, DropReason.TooManyFragments, tx: true));
    }

    [Fact]
    public void IndirectFramesAreReadWhereTheyAre()
    {
        (RawPort a, RawPort b) = (Join("a"), Join("b"));
        byte[] frame = Traffic.Packet(1000, 5);
        fixed (byte* data = frame)
        {
            Indirect(a, (ulong)data, 1000);
            a.TxSync();
        }
        b.Gets(frame);
        // No address, one that is not there, and a length no buffer has.
        foreach ((ulong address, ushort length) in ((ulong, ushort)[])[(0, 100), (0x1000, 100), ((ulong)a.Region, 3000)])
        {
            Indirect(a, address, length);
            a.TxSync();
        }
        b.GetsNothing();
        Assert.Equal(3, Drops(a, DropReason.BadSlot, tx: true) + Drops(a, DropReason.TooShort, tx: true));
        // As a later fragment it is empty, and the rest arrives.
        fixed (byte* data = frame)
        {
            Indirect(a, (ulong)data, 1000, NetmapH.NS_MOREFRAG);
            Indirect(a, 0, 100);
            a.TxSync();
        }
        b.Gets(frame);
    }

    [Fact]
    public void ExchangedBuffersAreNotedAndTheMarkCleared()
    {
        (RawPort a, RawPort b) = (Join("a"), Join("b"));
        a.Put(Traffic.Packet(60, 1), NetmapH.NS_BUF_CHANGED);
        a.TxSync();
        Assert.Equal(0, RawPort.Slots(a.Tx())->flags & NetmapH.NS_BUF_CHANGED);
        b.Gets(Traffic.Packet(60, 1));
    }

    [Fact]
    public void APortThatDoesNotReadLosesItsOwnOnly()
    {
        (RawPort a, RawPort slow, RawPort good) = (Join("a"), Join("slow"), Join("good"));
        for (int i = 0; i < 10; i++)
        {
            byte[][] packets = [.. Enumerable.Range(0, 500).Select(k => Traffic.Packet(60, k))];
            a.Send(packets);
            good.Gets(packets);
        }
        Assert.Equal(0, Drops(good, DropReason.DestinationFull));
        Assert.Equal(5000 - 1023, Drops(slow, DropReason.DestinationFull));
        Assert.Equal(1023, slow.Receive().Count);
        a.Send(Traffic.Packet(60, 1));
        slow.Gets(Traffic.Packet(60, 1));
    }

    [Fact]
    public void WithNobodyToHearABroadcastIsCounted()
    {
        RawPort a = Join("a");
        a.Send(Traffic.Packet(60, 1), Traffic.Packet(60, 2));
        Assert.Equal(2, Drops(a, DropReason.NobodyReceives, tx: true));
    }

    [Fact]
    public void UnreadPacketsOfAClosedRingAreNotThereWhenItIsReopened()
    {
        RawPort a = Join("a");
        RawPort keeper = Join("b", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = NetmapH.NR_TX_RINGS_ONLY });
        RawPort reader = Join("b", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = NetmapH.NR_RX_RINGS_ONLY });
        a.Send(Traffic.Packet(60, 1), Traffic.Packet(60, 2));
        reader.RxSync();
        a.Send(Traffic.Packet(60, 3));
        reader.Dispose();
        Assert.Equal(1, Drops(keeper, DropReason.PortClosed));
        reader = Join("b", new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = NetmapH.NR_RX_RINGS_ONLY });
        Assert.Equal(0, Traffic.Owned(reader.Rx()));
        reader.GetsNothing();
        a.Send(Traffic.Packet(60, 4));
        reader.Gets(Traffic.Packet(60, 4));
    }

    private static void Indirect(RawPort port, ulong address, ushort length, int more = 0)
    {
        netmap_ring* tx = port.Tx();
        netmap_slot* slot = RawPort.Slots(tx) + tx->head;
        slot->ptr = address;
        slot->len = length;
        slot->flags = (ushort)(NetmapH.NS_INDIRECT | more);
        tx->cur = tx->head + 1;
        tx->head = tx->cur;
    }

    private static void Drain(params RawPort[] ports)
    {
        foreach (RawPort port in ports)
            port.Receive();
    }

    private static long Drops(RawPort port, DropReason reason, bool tx = false)
    {
        Adapters.NetmapAdapter adapter = port.File.Registration!.Adapter;
        return (tx ? adapter.Counters.Tx : adapter.Counters.Rx).Sum(ring => ring.DropsFor(reason));
    }

    private RawPort Join(string name, nmreq_register? body = null) =>
        Open("vale0:" + name, body ?? new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC });
}
