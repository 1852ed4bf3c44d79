namespace Netmap.Tests.Unit.Ports;

/// <summary>Frames that begin anywhere in their buffers (spec 10, OFFSETS), over each kind of port that has them.</summary>
public sealed class OffsetTests : IDisposable
{
    private readonly NetmapEngine _engine = new();

    public OffsetTests() => _engine.AddMemoryPair("m0", "m1");

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData("netmap:m0", "netmap:m1", 0, 128)]
    [InlineData("netmap:m0", "netmap:m1", 96, 0)]
    [InlineData("netmap:m0", "netmap:m1", 31, 64)]
    [InlineData("vale0:a", "vale0:b", 0, 128)]
    [InlineData("vale0:a", "vale0:b", 96, 0)]
    [InlineData("vale0:a", "vale0:b", 31, 64)]
    [InlineData("netmap:x{1", "netmap:x}1", 96, 32)]
    [InlineData("netmap:x}1", "netmap:x{1", 64, 64)]
    public void FramesKeepTheirBytesWhateverTheOffsets(string from, string to, int txOffset, int rxOffset)
    {
        using NetmapPort tx = Open(from, txOffset);
        using NetmapPort rx = Open(to, rxOffset);
        Assert.Equal(txOffset, tx.TxRings[0].Offset(0));
        for (int round = 0; round < 5; round++)
        {
            byte[] frame = Frame(60 + round);
            Assert.True(tx.TxRings[0].TrySend(frame));
            tx.TxSync();
            rx.RxSync();
            int seen = 0;
            foreach (RxFrame got in rx.RxRings[0])
            {
                Assert.True(got.Data.SequenceEqual(frame));
                // In its place, not at the buffer's start.
                int offset = rx.RxRings[0].Offset(got.FirstSlot);
                Assert.True(rx.RxRings[0].Buffer(got.FirstSlot)[offset..].StartsWith(frame));
                Assert.Equal(from.Contains('x') ? txOffset : rxOffset, offset);
                seen++;
            }
            Assert.Equal(1, seen);
        }
    }

    [Fact]
    public void ACopyMonitorHasOffsetsOfItsOwn()
    {
        using NetmapPort port = Open("netmap:m0", 16);
        using NetmapPort monitor = Open("netmap:m0/t", 200);
        byte[] frame = Frame(1000);
        port.TxRings[0].TrySend(frame);
        port.TxSync();
        monitor.RxSync();
        foreach (RxFrame got in monitor.RxRings[0])
        {
            Assert.True(got.Data.SequenceEqual(frame));
            Assert.Equal(200, monitor.RxRings[0].Offset(got.FirstSlot));
        }
        Assert.Equal(1, monitor.GetStatistics().Rx[0].Packets);
    }

    [Fact]
    public void ANullPortHasThemToo()
    {
        using NetmapPort owner = Open("netmap:m0", 0);
        using NetmapPort port = NetmapPort.Open("netmap:nothing", new()
        {
            NullPort = true,
            MemoryId = owner.Info.MemoryId,
            TxRings = 1,
            TxSlots = 8,
            ExtraBuffers = 3,
            Offsets = new() { Initial = 24, Max = 48, Bits = 8 },
        }, _engine);
        Assert.Equal(("null:nothing", 48, 3, 8), (port.Info.InterfaceName, port.MaxOffset, port.ExtraBufferCount, port.TxRings[0].SlotCount));
        Assert.Empty(port.RxRings);
        Assert.Equal(24, port.TxRings[0].Offset(7));
        port.TxSync();
        Assert.Equal((0, 7), (port.TxRings[0].Head, port.TxRings[0].Tail));
    }

    [Fact]
    public void AFrameLongerThanWhatOffsetsLeaveTakesMoreSlots()
    {
        using NetmapPort tx = NetmapPort.Open("netmap:m0", engine: _engine);
        using NetmapPort rx = Open("netmap:m1", 1024);
        byte[] frame = Frame(1514);
        tx.TxRings[0].TrySend(frame);
        tx.TxSync();
        rx.RxSync();
        byte[] whole = new byte[1514];
        foreach (RxFrame got in rx.RxRings[0])
        {
            Assert.Equal((1514, 2), (got.CopyTo(whole), got.SlotCount));
            Assert.Equal(1024, got.Data.Length);
        }
        Assert.Equal(frame, whole);
    }

    [Fact]
    public void SlotsMayMoveTheirFramesWithinTheBounds()
    {
        using NetmapPort tx = NetmapPort.Open("vale1:a", new() { Offsets = new() { Initial = 0, Max = 100, Bits = 7 } }, _engine);
        using NetmapPort rx = NetmapPort.Open("vale1:b", engine: _engine);
        TxRing ring = tx.TxRings[0];
        ring[0].Pointer = 0xff00;
        ring.SetOffset(0, 77);
        Assert.Equal((0xff00ul | 77, 77), (ring[0].Pointer, ring.Offset(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.SetOffset(0, 128));
        Assert.Throws<ArgumentOutOfRangeException>(() => rx.RxRings[0].SetOffset(0, 1));
        Assert.Throws<ArgumentException>(() => ring.TrySend(new byte[2048 - 76]));
        byte[] frame = Frame(60);
        ring.TrySend(frame);
        // Beyond the largest offset: capped there.
        ring.SetOffset(1, 127);
        frame.CopyTo(ring.Buffer(1)[100..]);
        ring[1].Length = 60;
        ring.Advance(1);
        tx.TxSync();
        rx.RxSync();
        int seen = 0;
        foreach (RxFrame got in rx.RxRings[0])
        {
            Assert.True(got.Data.SequenceEqual(frame));
            seen++;
        }
        Assert.Equal(2, seen);
    }

    [Fact]
    public void ANameMaySayThem()
    {
        using NetmapPort port = NetmapPort.Open("vale2:a@offset=40", new() { AcceptOffsets = true }, _engine);
        Assert.Equal((40, 40), (port.MaxOffset, port.RxRings[0].Offset(3)));
        Assert.Equal("EOPNOTSUPP", Assert.Throws<NetmapException>(() => NetmapPort.Open("vale2:b@offset=40", engine: _engine)).ErrorName);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => NetmapPort.Open("vale2:b@offset=40", new() { AcceptOffsets = true, Offsets = new() }, _engine)).ErrorName);
    }

    private NetmapPort Open(string name, int offset) => NetmapPort.Open(name,
        offset == 0 ? null : new() { Offsets = new() { Initial = offset, Max = offset } }, _engine);

    private static byte[] Frame(int length)
    {
        byte[] frame = new byte[length];
        new Random(length).NextBytes(frame);
        // Unicast from a station to another that nobody has seen.
        (frame[0], frame[6]) = (2, 2);
        return frame;
    }
}
