namespace Netmap.Tests.Unit.Ports;

/// <summary>Sending received frames on: by exchange of buffers, or by copy.</summary>
public sealed class ForwardTests : IDisposable
{
    private readonly NetmapEngine _engine = new();

    public ForwardTests()
    {
        _engine.AddMemoryPair("a0", "a1");
        _engine.AddMemoryPair("b0", "b1");
    }

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData("netmap:a1", "netmap:b0", false, true)]
    [InlineData("netmap:a1", "netmap:b0", true, false)]
    [InlineData("netmap:a1", "vale0:x", false, false)]
    public void FramesGoOnWithTheirBytes(string from, string to, bool copy, bool exchanged)
    {
        using NetmapPort source = Open("netmap:a0");
        using NetmapPort rx = Open(from);
        using NetmapPort tx = Open(to);
        using NetmapPort sink = Open(to == "netmap:b0" ? "netmap:b1" : "vale0:y");
        byte[] frame = Frame(200);
        source.TxRings[0].TrySend(frame);
        source.TxSync();
        rx.RxSync();
        (uint rxBuffer, uint txBuffer) = (rx.RxRings[0][0].BufferIndex, tx.TxRings[0][0].BufferIndex);
        Assert.Equal(exchanged || copy, rx.RxRings[0].SharesMemoryWith(tx.TxRings[0]));
        Assert.True(rx.RxRings[0].TryPeek(out RxFrame got));
        Assert.True(tx.TxRings[0].TryForward(got, copy));
        rx.RxRings[0].Advance(got.SlotCount);
        tx.TxSync();
        sink.RxSync();
        Assert.True(sink.RxRings[0].TryPeek(out RxFrame arrived));
        Assert.True(arrived.Data.SequenceEqual(frame));
        Assert.Equal(exchanged ? (txBuffer, rxBuffer) : (rxBuffer, txBuffer), (rx.RxRings[0][0].BufferIndex, tx.TxRings[0][0].BufferIndex));
        Assert.Equal(exchanged ? SlotFlags.BufferChanged : SlotFlags.None, rx.RxRings[0][0].Flags);
    }

    [Theory]
    [InlineData(2000, 100, 0)]
    [InlineData(9000, 2048, 512)]
    [InlineData(9000, 700, 0)]
    [InlineData(14, 14, 0)]
    public void ACopyFitsTheSlotsItGoesTo(int length, int fragment, int offset)
    {
        using NetmapPort source = Open("vale0:s");
        using NetmapPort rx = Open("vale0:r");
        using NetmapPort tx = Open("netmap:p{1", offset);
        using NetmapPort sink = Open("netmap:p}1", offset);
        byte[] frame = Frame(length);
        Send(source, frame, fragment);
        rx.RxSync();
        Assert.True(rx.RxRings[0].TryPeek(out RxFrame got));
        Assert.Equal((frame.Length + fragment - 1) / fragment, got.SlotCount);
        Assert.True(tx.TxRings[0].TryForward(got));
        tx.TxSync();
        sink.RxSync();
        Assert.True(sink.RxRings[0].TryPeek(out RxFrame arrived));
        int room = 2048 - offset;
        Assert.Equal((frame.Length, (frame.Length + room - 1) / room), (arrived.Length, arrived.SlotCount));
        byte[] whole = new byte[arrived.Length];
        arrived.CopyTo(whole);
        Assert.Equal(frame, whole);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFrameWithoutRoomStays(bool copy)
    {
        using NetmapPort source = Open("vale0:s");
        using NetmapPort rx = Open("vale0:r");
        using NetmapPort tx = NetmapPort.Open("netmap:q{1@share=vale0:r@conf:slots=4", engine: _engine);
        byte[] frame = Frame(8000);
        Send(source, frame, 2048);
        rx.RxSync();
        Assert.True(rx.RxRings[0].TryPeek(out RxFrame got));
        Assert.False(tx.TxRings[0].TryForward(got, copy));
        Assert.Equal((4, 3), (rx.RxRings[0].Available, tx.TxRings[0].Space));
        Assert.True(rx.RxRings[0].TryPeek(out got));
        byte[] whole = new byte[got.Length];
        got.CopyTo(whole);
        Assert.Equal(frame, whole);
    }

    [Fact]
    public void NothingIsThereToPeekAtUntilAFrameIsComplete()
    {
        using NetmapPort rx = Open("vale0:r");
        rx.RxSync();
        Assert.False(rx.RxRings[0].TryPeek(out _));
    }

    private NetmapPort Open(string name, int offset = 0) => NetmapPort.Open(name,
        offset == 0 ? null : new() { Offsets = new() { Initial = offset, Max = offset } }, _engine);

    private static void Send(NetmapPort port, ReadOnlySpan<byte> frame, int fragment)
    {
        TxRing ring = port.TxRings[0];
        int slot = ring.Head;
        int slots = 0;
        for (; frame.Length > 0; slot = ring.Next(slot), slots++)
        {
            int part = Math.Min(fragment, frame.Length);
            frame[..part].CopyTo(ring.Buffer(slot));
            (ring[slot].Length, ring[slot].Flags) = ((ushort)part, part < frame.Length ? SlotFlags.MoreFragments : SlotFlags.None);
            frame = frame[part..];
        }
        ring.Advance(slots);
        port.TxSync();
    }

    private static byte[] Frame(int length)
    {
        byte[] frame = new byte[length];
        new Random(length).NextBytes(frame);
        (frame[0], frame[6]) = (2, 2);
        return frame;
    }
}
