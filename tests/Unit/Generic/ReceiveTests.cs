using Netmap.Devices;

namespace Netmap.Tests.Unit.Generic;

/// <summary>generic_rx_handler and generic_netmap_rxsync (spec 5.4).</summary>
public sealed class ReceiveTests : IDisposable
{
    private readonly GenericLab _lab = new(new MemoryPairOptions { Slots = 16, Mtu = 9000, Queues = 2 },
        new NetmapEngineOptions { GenericMitigation = TimeSpan.Zero, BufferSize = 9216, BufferCount = 4000 });
    private readonly MbufPool _pool = new(64, 65536);

    public void Dispose()
    {
        _lab.Dispose();
        _pool.Dispose();
    }

    /// <summary>2014: the limit was 1024 whatever the ring's size.</summary>
    [Fact]
    public void TheQueueHoldsOneMoreThanTheRingAndCountsTheRest()
    {
        using NetmapPort port = _lab.Open();
        for (int i = 0; i < 30; i++)
            Deliver(0, 60);
        Assert.Equal(30 - 17, port.GetStatistics().Rx[0].Drops[DropReason.ReceiveQueueFull]);
        port.RxSync();
        Assert.Equal(15, port.RxRings[0].Available);
        port.RxRings[0].Advance(15);
        port.RxSync();
        Assert.Equal(2, port.RxRings[0].Available);
    }

    /// <summary>2014: import came before release, so a full ring needed one sync more.</summary>
    [Fact]
    public void ReleasedSlotsAreFilledInTheSameSync()
    {
        using NetmapPort port = _lab.Open();
        for (int i = 0; i < 16; i++)
            Deliver(0, 60);
        port.RxSync();
        Assert.Equal(15, port.RxRings[0].Available);
        port.RxRings[0].Advance(15);
        port.RxSync();
        Assert.Equal(1, port.RxRings[0].Available);
    }

    /// <summary>2014: no length check in the copy; frames longer than a buffer overwrote their neighbours.</summary>
    [Fact]
    public void LongFramesAreScatteredOverSlots()
    {
        using NetmapPort port = _lab.Open();
        byte[] sent = Deliver(0, 40000);
        Deliver(0, 60);
        port.RxSync();
        Assert.Equal(6, port.RxRings[0].Available);
        List<(int Slots, int Length)> seen = [];
        byte[] copy = new byte[40000];
        foreach (RxFrame frame in port.RxRings[0])
        {
            seen.Add((frame.SlotCount, frame.Length));
            if (frame.Length == 40000)
                Assert.Equal(40000, frame.CopyTo(copy));
        }
        Assert.Equal([(5, 40000), (1, 60)], seen);
        Assert.Equal(sent, copy);
        Assert.Equal(1, port.GetStatistics().Rx[0].Scattered);
    }

    [Fact]
    public void AFrameWaitsUntilItFitsAndOneThatNeverFitsIsDropped()
    {
        using GenericLab small = new(new MemoryPairOptions { Slots = 8 }, new NetmapEngineOptions { BufferSize = 2048, GenericMitigation = TimeSpan.Zero });
        using NetmapPort port = small.Open();
        Deliver(small, 0, 7 * 2048 + 1);
        Deliver(small, 0, 60);
        Deliver(small, 0, 7 * 2048);
        port.RxSync();
        Assert.Equal(1, port.RxRings[0].Available);
        Assert.Equal(1, port.GetStatistics().Drops[DropReason.FrameTooLong]);
        port.RxRings[0].Advance(1);
        port.RxSync();
        Assert.Equal(7, port.RxRings[0].Available);
    }

    /// <summary>2014: all frames went to ring 0, and were taken from the host even if nobody had it open.</summary>
    [Fact]
    public void EachRingGetsItsOwnFramesAndClosedRingsNone()
    {
        using NetmapPort one = _lab.Open("-1");
        Deliver(0, 60);
        Deliver(1, 61);
        one.RxSync();
        Assert.Equal(1, one.RxRings[0].Index);
        Assert.Equal(1, one.RxRings[0].Available);
        Assert.Equal(61, one.RxRings[0][0].Length);
        Assert.Equal(64, _pool.Count);
        using NetmapPort both = _lab.Open();
        Deliver(0, 62);
        both.RxSync();
        Assert.Equal(62, both.RxRings[0][0].Length);
    }

    [Fact]
    public unsafe void ABadBufferIndexCostsTheProgramItsFrameOnly()
    {
        using RawPort port = new(_lab.Engine);
        port.Bind("f0");
        RawPort.Slots(port.Rx())[1].buf_idx = 0xfffffff0;
        Deliver(0, 60);
        Deliver(0, 61);
        Deliver(0, 62);
        Assert.Equal(Interop.Errno.Success, port.RxSync());
        Assert.Equal(1u, port.Rx()->tail);
        Assert.Equal(0u, RawPort.Slots(port.Rx())[1].buf_idx);
        Assert.Equal(1, _lab.Device.Setup!.RxCounters[0].DropsFor(DropReason.BadSlot));
        // The program mends its slot and goes on.
        RawPort.Slots(port.Rx())[1].buf_idx = 3;
        port.RxSync();
        Assert.Equal(2u, port.Rx()->tail);
        Assert.Equal(62, RawPort.Slots(port.Rx())[1].len);
    }

    [Fact]
    public void FramesQueuedAtCloseAreFreedAndCounted()
    {
        NetmapPort port = _lab.Open();
        for (int i = 0; i < 5; i++)
            Deliver(0, 60);
        port.Dispose();
        Assert.Equal(0, _pool.Outstanding);
        Assert.Equal(5, _lab.Device.Setup!.RxCounters[0].DropsFor(DropReason.PortClosed));
        // Late frames of a device that had not stopped yet.
        Deliver(0, 60);
        Assert.Equal(0, _pool.Outstanding);
    }

    private byte[] Deliver(int queue, int length) => Deliver(_lab, queue, length);

    private unsafe byte[] Deliver(GenericLab lab, int queue, int length)
    {
        Mbuf frame = _pool.Allocate()!;
        frame.Length = length;
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        bytes.CopyTo(new Span<byte>(frame.Data, length));
        lab.Device.Events.Receive(queue, frame);
        return bytes;
    }
}
