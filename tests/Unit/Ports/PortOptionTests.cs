namespace Netmap.Tests.Unit.Ports;

/// <summary>What a REGISTER can say, by name or by options, and what comes of it.</summary>
public sealed class PortOptionTests : IDisposable
{
    private readonly NetmapEngine _engine = new();

    public PortOptionTests() => _engine.AddMemoryPair("m0", "m1");

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void RingsAndSlotsByNameOrByOptions()
    {
        using NetmapPort byName = Open("vale0:a@conf:rings=2,tx-slots=512,rx-slots=256");
        using NetmapPort byOptions = Open("netmap:x{1", new() { TxRings = 3, RxRings = 2, TxSlots = 64, RxSlots = 32 });
        using NetmapPort peer = Open("netmap:x}1");
        Assert.Equal((2, 2, 512, 256), Shape(byName));
        Assert.Equal((3, 2, 64, 32), Shape(byOptions));
        Assert.Equal((2, 3, 32, 64), Shape(peer));
    }

    [Fact]
    public void NameAndOptionsMustAgree()
    {
        Assert.Equal("EINVAL", Refused("vale0:a@conf:rings=2", new() { TxRings = 3 }));
        Assert.Equal("EINVAL", Refused("netmap:m0@1", new() { MemoryId = 2 }));
        Assert.Equal("EINVAL", Refused("vale0:a", new() { TxRings = -1 }));
        Assert.Equal("EINVAL", Refused("vale0:a", new() { RxRings = 65536 }));
        Assert.Equal("EINVAL", Refused("netmap:m0^", new() { NullPort = true, MemoryId = 1 }));
        using NetmapPort same = Open("vale0:a@conf:rings=2", new() { TxRings = 2 });
        Assert.Equal(2, same.TxRings.Count);
    }

    /// <summary>Each of the two leaves the other direction out.</summary>
    [Fact]
    public void ReceiveOnlyAndTransmitOnlyTogetherBindNoRing()
    {
        using NetmapPort port = Open("netmap:m0", new() { ReceiveOnly = true, TransmitOnly = true, ExtraBuffers = 3 });
        using NetmapPort byName = Open("netmap:m0/RT");
        using NetmapPort all = Open("netmap:m0", new() { Exclusive = true });
        Assert.Equal((0, 0, 3), (port.TxRings.Count, port.RxRings.Count, port.ExtraBufferCount));
        Assert.Equal((0, 0), (byName.TxRings.Count, byName.RxRings.Count));
        Assert.Equal((1, 1), (all.TxRings.Count, all.RxRings.Count));
    }

    [Fact]
    public void SharedMemoryIsThatOfTheOtherPort()
    {
        using NetmapPort owner = Open("vale0:a");
        using NetmapPort alone = Open("vale0:b");
        using NetmapPort shared = Open("vale0:c@share=vale0:a");
        Assert.NotEqual(owner.Info.MemoryId, alone.Info.MemoryId);
        Assert.Equal(owner.Info.MemoryId, shared.Info.MemoryId);
        Assert.Equal("EINVAL", Refused($"vale0:d@{alone.Info.MemoryId}@share=vale0:a"));
        Assert.Equal("ENXIO", Refused("vale0:d@share=netmap:nosuch"));
        Assert.Equal("EINVAL", Refused("vale0:d@share=nosuch"));
    }

    [Fact]
    public void MonitorsSeeTheDirectionsAskedFor()
    {
        using NetmapPort a = Open("vale0:a");
        using NetmapPort b = Open("vale0:b");
        using NetmapPort sent = Open("vale0:a", new() { MonitorTransmit = true });
        using NetmapPort received = Open("vale0:a", new() { MonitorReceive = true });
        using NetmapPort both = Open("vale0:a", new() { MonitorZeroCopy = true });
        byte[] frame = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, .. new byte[48]];
        a.TxRings[0].TrySend(frame);
        a.TxSync();
        b.TxRings[0].TrySend(frame);
        b.TxSync();
        foreach (NetmapPort port in new[] { a, sent, received })
            port.RxSync();
        a.RxRings[0].Advance(a.RxRings[0].Available);
        a.RxSync();
        both.RxSync();
        Assert.Equal((1, 1, 2), (sent.RxRings[0].Available, received.RxRings[0].Available, both.RxRings[0].Available));
        Assert.Equal(SlotFlags.TransmitMonitor, sent.RxRings[0][0].Flags & SlotFlags.TransmitMonitor);
        Assert.Equal(SlotFlags.None, received.RxRings[0][0].Flags & SlotFlags.TransmitMonitor);
        Assert.Equal(a.Info.MemoryId, both.Info.MemoryId);
    }

    private static (int, int, int, int) Shape(NetmapPort port) =>
        (port.TxRings.Count, port.RxRings.Count, port.TxRings[0].SlotCount, port.RxRings[0].SlotCount);

    private NetmapPort Open(string name, NetmapPortOptions? options = null) => NetmapPort.Open(name, options, _engine);

    private string Refused(string name, NetmapPortOptions? options = null) =>
        Assert.Throws<NetmapException>(() => Open(name, options)).ErrorName;
}
