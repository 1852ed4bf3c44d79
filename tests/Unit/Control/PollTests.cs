using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Tests.Unit.Control;

/// <summary>The sync rules of poll (spec 4), ring entry (2.5) and rings that come and go (2.1).</summary>
public sealed unsafe class PollTests : IDisposable
{
    private readonly NetmapEngine _engine = new();

    public PollTests() => _engine.AddMemoryPair("m0", "m1", new MemoryPairOptions { Queues = 2 });

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData(0ul, 1)]
    [InlineData(NetmapH.NR_NO_TX_POLL, 0)]
    public void APollForInputFlushesTransmitRingsUnlessToldNotTo(ulong flags, int sent)
    {
        using RawPort peer = new(_engine);
        using RawPort port = new(_engine);
        peer.Bind("m1");
        port.Bind("m0", flags: flags);
        Send(port, 1);
        Assert.Equal(0, port.Poll(Poll.POLLIN));
        peer.RxSync();
        Assert.Equal((uint)sent, peer.Rx()->tail);
        // A poll for output always syncs.
        Assert.Equal(Poll.POLLOUT, port.Poll(Poll.POLLOUT));
        peer.RxSync();
        Assert.Equal(1u, peer.Rx()->tail);
    }

    [Fact]
    public void ReadinessComparesCurNotHead()
    {
        using RawPort peer = new(_engine);
        using RawPort port = new(_engine);
        peer.Bind("m1");
        port.Bind("m0");
        Send(peer, 3);
        peer.TxSync();
        Assert.Equal(Poll.POLLIN, port.Poll(Poll.POLLIN));
        // All seen, none released: wait for more.
        port.Rx()->cur = port.Rx()->tail;
        Assert.Equal(0, port.Poll(Poll.POLLIN, 2));
        Send(peer, 1);
        peer.TxSync();
        Assert.Equal(Poll.POLLIN, port.Poll(Poll.POLLIN));
        Assert.Equal((0u, 3u, 4u), RawPort.Indices(port.Rx()));
    }

    [Fact]
    public void ABusyRingIsSkippedWithoutAnError()
    {
        using RawPort port = new(_engine);
        port.Bind("m0", mode: NetmapReq.NR_REG_ONE_NIC);
        KRing ring = port.File.Registration!.TxRings[0];
        Assert.Equal(RingEntry.Entered, ring.TryEnter());
        Assert.Equal(RingEntry.Busy, ring.TryEnter());
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal(0, port.Poll(Poll.POLLOUT));
        ring.Exit();
        Assert.Equal(Poll.POLLOUT, port.Poll(Poll.POLLOUT));
    }

    [Fact]
    public void AStoppedRingIsAnErrorAndTheOthersAreStillServed()
    {
        using RawPort peer = new(_engine);
        using RawPort port = new(_engine);
        peer.Bind("m1");
        port.Bind("m0");
        port.File.Registration!.TxRings[0].Condemn();
        (port.Tx(1)->head, port.Tx(1)->cur) = (1, 1);
        RawPort.Slots(port.Tx(1))->len = 60;
        Assert.Equal(Errno.EIO, port.TxSync());
        peer.RxSync();
        Assert.Equal(1u, peer.Rx(1)->tail);
        Assert.Equal(Poll.POLLERR | Poll.POLLOUT, port.Poll(Poll.POLLOUT));
    }

    /// <summary>Spec 2.1: a ring reopened while its adapter stayed active goes on with its saved indices.</summary>
    [Fact]
    public void AReopenedRingGoesOnWhereItWas()
    {
        using RawPort peer = new(_engine);
        using RawPort keeper = new(_engine);
        peer.Bind("m1");
        keeper.Bind("m0", flags: NetmapH.NR_RX_RINGS_ONLY);
        using (RawPort first = new(_engine))
        {
            first.Bind("m0", flags: NetmapH.NR_TX_RINGS_ONLY);
            Send(first, 5);
            first.TxSync();
        }
        using RawPort second = new(_engine);
        Assert.Equal(Errno.Success, second.Bind("m0", flags: NetmapH.NR_TX_RINGS_ONLY));
        Assert.Equal((5u, 5u), (second.Tx()->head, second.Tx()->cur));
        Send(second, 2);
        Assert.Equal(Errno.Success, second.TxSync());
        peer.RxSync();
        Assert.Equal(7u, peer.Rx()->tail);
    }

    [Fact]
    public void FramesOfAClosedRingAreNotThereWhenItIsReopened()
    {
        using RawPort peer = new(_engine);
        using RawPort keeper = new(_engine);
        peer.Bind("m1");
        keeper.Bind("m0", flags: NetmapH.NR_TX_RINGS_ONLY);
        using (RawPort first = new(_engine))
        {
            first.Bind("m0", flags: NetmapH.NR_RX_RINGS_ONLY);
            Send(peer, 3);
            peer.TxSync();
        }
        using RawPort second = new(_engine);
        second.Bind("m0", flags: NetmapH.NR_RX_RINGS_ONLY);
        second.RxSync();
        Assert.Equal(0u, second.Rx()->tail);
    }

    [Fact]
    public void TimestampsAreWrittenOnEverySyncOrOnRequest()
    {
        using NetmapEngine asked = new(new NetmapEngineOptions { NoTimestamp = true });
        asked.AddMemoryPair("m0", "m1");
        using RawPort always = new(_engine);
        using RawPort request = new(asked);
        always.Bind("m0");
        request.Bind("m0");
        always.RxSync();
        request.RxSync();
        Assert.NotEqual(0, always.Rx()->ts.tv_sec);
        Assert.Equal(0, request.Rx()->ts.tv_sec);
        request.Rx()->flags = NetmapH.NR_TIMESTAMP;
        request.RxSync();
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - request.Rx()->ts.tv_sec, 0, 60);
    }

    /// <summary>no_pendintr 0: poll imports only after an event, RXSYNC always.</summary>
    [Fact]
    public void WithPendingInterruptsAPollImportsOnlyAfterAnEvent()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { NoPendingInterrupt = false });
        engine.AddMemoryPair("m0", "m1");
        using RawPort peer = new(engine);
        using RawPort port = new(engine);
        peer.Bind("m1");
        port.Bind("m0");
        Send(peer, 2);
        peer.TxSync();
        // The first frame was an event; the second one waits for the timer.
        Assert.Equal(Poll.POLLIN, port.Poll(Poll.POLLIN));
        Assert.Equal(2u, port.Rx()->tail);
        Send(peer, 1);
        peer.TxSync();
        port.RxSync();
        Assert.Equal(3u, port.Rx()->tail);
    }

    private static void Send(RawPort port, uint frames)
    {
        netmap_ring* ring = port.Tx();
        for (uint i = 0; i < frames; i++)
            RawPort.Slots(ring)[ring->head + i].len = 60;
        ring->cur = ring->head + frames;
        ring->head = ring->cur;
    }
}
