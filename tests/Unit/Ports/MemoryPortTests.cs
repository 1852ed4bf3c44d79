namespace Netmap.Tests.Unit.Ports;

/// <summary>The public API over a wire in memory, end to end.</summary>
public sealed class MemoryPortTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly NetmapEngine _engine = new();

    public MemoryPortTests() => _engine.AddMemoryPair("m0", "m1");

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void FramesArriveInOrderWithTheirBytes()
    {
        using NetmapPort tx = NetmapPort.Open("netmap:m0", engine: _engine);
        using NetmapPort rx = NetmapPort.Open("netmap:m1", engine: _engine);
        for (int i = 0; i < 1000; i++)
            Assert.True(tx.TxRings[0].TrySend(Frame(i)));
        tx.TxSync();

        Assert.Equal(PollEvents.Receive, rx.Poll(PollEvents.Receive, s_soon));
        int expected = 0;
        foreach (RxFrame frame in rx.RxRings[0])
            Assert.True(frame.Data.SequenceEqual(Frame(expected++)));
        Assert.Equal(1000, expected);
        Assert.Equal(0, rx.RxRings[0].Available);
    }

    [Fact]
    public void AFrameLongerThanASlotsLengthCanSayIsRefused()
    {
        using NetmapEngine big = new(new() { BufferSize = 65536, BufferCount = 4200 });
        big.AddMemoryPair("m0", "m1");
        using NetmapPort port = NetmapPort.Open("netmap:m0", engine: big);
        TxRing ring = port.TxRings[0];
        Assert.Throws<ArgumentException>(() => ring.TrySend(new byte[65536]));
        Assert.Equal(0, ring.Head);
        Assert.True(ring.TrySend(new byte[65535]));
        Assert.Equal(65535, ring[0].Length);
    }

    /// <summary>What may be asked for can be opened, and what cannot be opened is not to be had.</summary>
    [Fact]
    public void TheLongestMtuIsWhatAPortCanCarry()
    {
        using NetmapEngine big = new(new() { BufferSize = 32768, BufferCount = 4200 });
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => big.AddMemoryPair("m0", "m1", new() { Mtu = 32769 })).ErrorName);
        big.AddMemoryPair("m0", "m1", new() { Mtu = 32768 });
        using NetmapPort port = NetmapPort.Open("netmap:m0", engine: big);
        Assert.Equal((32768, null), (port.Info.Mtu, port.Info.WhyNotOpen));
        _engine.AddMemoryPair("n0", "n1", new() { Mtu = 32768 });
        string why = NetmapPort.Query("netmap:n0", _engine).WhyNotOpen!;
        Assert.EndsWith($": {why} (EINVAL)", Assert.Throws<NetmapException>(() => NetmapPort.Open("netmap:n0", engine: _engine)).Message);
    }

    [Fact]
    public void ATimeBelowZeroIsNoTimeToWait()
    {
        using NetmapPort port = NetmapPort.Open("netmap:m0", engine: _engine);
        Assert.Throws<ArgumentOutOfRangeException>(() => port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(-1)));
        Assert.Equal("netmap:m0", port.ToString());
    }

    [Fact]
    public void SlotsComeBackWhenThePeerHasTakenTheFrames()
    {
        using NetmapPort tx = NetmapPort.Open("netmap:m0", engine: _engine);
        using NetmapPort rx = NetmapPort.Open("netmap:m1", engine: _engine);
        int sent = 0;
        int received = 0;
        for (int round = 0; round < 50; round++)
        {
            while (tx.TxRings[0].TrySend(Frame(sent)))
                sent++;
            Assert.Equal(0, tx.TxRings[0].Space);
            tx.TxSync();
            rx.RxSync();
            foreach (RxFrame frame in rx.RxRings[0])
                Assert.True(frame.Data.SequenceEqual(Frame(received++)));
            Assert.Equal(PollEvents.Transmit, tx.Poll(PollEvents.Transmit, s_soon));
        }
        rx.RxSync();
        received += rx.RxRings[0].Available;
        Assert.Equal(sent, received);
        Assert.Equal(sent, tx.GetStatistics().Tx[0].Packets);
        Assert.Equal(sent, rx.GetStatistics().Rx[0].Packets);
        Assert.Empty(tx.GetStatistics().Drops);
    }

    [Fact]
    public async Task PollWakesWhenAFrameArrives()
    {
        using NetmapPort tx = NetmapPort.Open("netmap:m0", engine: _engine);
        using NetmapPort rx = NetmapPort.Open("netmap:m1", engine: _engine);
        Task<PollEvents> waiting = Task.Run(() => rx.Poll(PollEvents.Receive, s_soon));
        Assert.False(waiting.IsCompleted);
        tx.TxRings[0].TrySend(Frame(7));
        tx.TxSync();
        Assert.Equal(PollEvents.Receive, await waiting);
    }

    [Fact]
    public async Task AsyncWaitsWakeAndCancel()
    {
        using NetmapPort tx = NetmapPort.Open("netmap:m0", engine: _engine);
        using NetmapPort rx = NetmapPort.Open("netmap:m1", engine: _engine);
        for (int i = 0; i < 20; i++)
        {
            ValueTask<PollEvents> waiting = rx.WaitForReceiveAsync(TestContext.Current.CancellationToken);
            tx.TxRings[0].TrySend(Frame(i));
            tx.TxSync();
            Assert.Equal(PollEvents.Receive, await waiting);
            rx.RxRings[0].Advance(rx.RxRings[0].Available);
        }
        using CancellationTokenSource stop = new(20);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await rx.WaitForReceiveAsync(stop.Token));
    }

    [Fact]
    public async Task PollEndsOnTimeoutCancellationAndClose()
    {
        NetmapPort rx = NetmapPort.Open("netmap:m1", engine: _engine);
        Assert.Equal(PollEvents.None, rx.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(5)));
        using CancellationTokenSource stop = new(20);
        Assert.Throws<OperationCanceledException>(() => rx.Poll(PollEvents.Receive, s_soon, stop.Token));
        Task<PollEvents> waiting = Task.Run(() => rx.Poll(PollEvents.Receive, s_soon));
        await Task.Delay(20);
        rx.Dispose();
        Assert.Equal(PollEvents.Error, await waiting);
        Assert.Throws<ObjectDisposedException>(() => rx.Poll(PollEvents.Receive, s_soon));
        Assert.Throws<ObjectDisposedException>(() => rx.RxRings[0].Available);
        Assert.Throws<ObjectDisposedException>(rx.RxSync);
    }

    [Fact]
    public async Task TwoThreadsPollOnePortInBothDirections()
    {
        using NetmapPort port = NetmapPort.Open("netmap:m0", engine: _engine);
        using NetmapPort peer = NetmapPort.Open("netmap:m1", engine: _engine);
        const int Rounds = 2000;
        Task receiving = Task.Run(() =>
        {
            for (int got = 0; got < Rounds;)
            {
                Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, s_soon));
                got += port.RxRings[0].Available;
                port.RxRings[0].Advance(port.RxRings[0].Available);
            }
        });
        Task writing = Task.Run(() =>
        {
            for (int i = 0; i < Rounds; i++)
                Assert.Equal(PollEvents.Transmit, port.Poll(PollEvents.Transmit, s_soon));
        });
        for (int i = 0; i < Rounds; i++)
        {
            while (!peer.TxRings[0].TrySend(new byte[60]))
                Assert.Equal(PollEvents.Transmit, peer.Poll(PollEvents.Transmit, s_soon));
            peer.TxSync();
        }
        await receiving;
        await writing;
        Assert.Empty(port.GetStatistics().Drops);
    }

    private static byte[] Frame(int number)
    {
        byte[] frame = new byte[60];
        BitConverter.TryWriteBytes(frame.AsSpan(14), number);
        return frame;
    }
}
