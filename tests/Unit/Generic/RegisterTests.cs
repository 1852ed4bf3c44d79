using Netmap.Adapters;
using Netmap.Adapters.Generic;
using Netmap.Control;
using Netmap.Devices;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Generic;

/// <summary>Attach, register and unregister, with everything that may fail on the way (spec 5.1, 5.2).</summary>
public sealed class RegisterTests : IDisposable
{
    private readonly GenericLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void GeometryComesFromTheDriverIfItTellsAtLeastThreeSlots()
    {
        Assert.Equal((16, 16), Slots(16));
        Assert.Equal((3, 3), Slots(3));
        Assert.Equal((1024, 1024), Slots(2));
        Assert.Equal((1024, 1024), Slots(0));
    }

    /// <summary>2014: no check for zero descriptors.</summary>
    [Fact]
    public void ADeviceWithoutQueuesOrSlotsIsEINVAL()
    {
        using GenericLab none = new(engine: new NetmapEngineOptions { GenericRingSize = 0 });
        none.Device.Pretend = none.Device.Describe() with { TxSlots = 0, RxSlots = 0 };
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => none.Open()).ErrorName);
        none.Device.Pretend = none.Device.Describe() with { TxSlots = 8, RxSlots = 8, RxQueues = 0 };
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => none.Open()).ErrorName);
    }

    /// <summary>2014: error paths left receive queues and timers behind, and the result of catch_tx was ignored.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFailedActivationLeavesNothingBehind(bool late)
    {
        if (late)
            _lab.Device.FailRings = true;
        else
            _lab.Device.FailStart = new NetmapException(Errno.EBUSY, "open", "f0", "injected");
        NetmapException refused = Assert.Throws<NetmapException>(() => _lab.Open());
        Assert.Contains("injected", refused.Message);
        Assert.Equal(_lab.Device.Starts, _lab.Device.Stops);
        _lab.Device.FailStart = null;
        _lab.Device.FailRings = false;
        // All 163838 buffers are there again, and the port opens.
        using RawPort port = new(_lab.Engine);
        Assert.Equal(Errno.Success, port.Bind("f0", extra: 1000000));
        Assert.Equal(163838u - 32, port.Register.nr_extra_bufs);
    }

    [Fact]
    public void ManyFilesShareOneActivation()
    {
        NetmapPort first = _lab.Open();
        NetmapPort second = _lab.Open("/R");
        Assert.Equal(1, _lab.Device.Starts);
        first.Dispose();
        Assert.Equal(0, _lab.Device.Stops);
        second.Dispose();
        Assert.Equal(1, _lab.Device.Stops);
        using NetmapPort again = _lab.Open();
        Assert.Equal(2, _lab.Device.Starts);
    }

    /// <summary>The reference clears all pool entries when a later file adds rings [Q]; ours stay.</summary>
    [Fact]
    public void FramesInFlightSurviveAnotherOpenAndClose()
    {
        using NetmapPort peer = _lab.OpenPeer();
        using NetmapPort port = _lab.Open();
        _lab.Device.CompleteLate = true;
        GenericLab.Fill(port, 15);
        port.TxSync();
        _lab.Open("/R").Dispose();
        peer.RxSync();
        peer.RxRings[0].Advance(15);
        peer.RxSync();
        while (_lab.Device.InFlight.Count > 0)
            _lab.Device.Complete(0);
        port.TxSync();
        Assert.Equal(15, port.TxRings[0].Space);
    }

    /// <summary>2014: a vanished interface made the destructor release a null interface.</summary>
    [Fact]
    public void ADeviceThatIsGoneStopsTheRingsAndClosesCleanly()
    {
        NetmapPort port = _lab.Open();
        GenericLab.Fill(port, 3);
        _lab.Device.Events.LinkChanged(LinkState.Gone);
        Assert.Equal("EIO", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        Assert.Equal("EIO", Assert.Throws<NetmapException>(port.RxSync).ErrorName);
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(5)));
        port.Dispose();
        Assert.Equal(1, _lab.Device.Stops);
    }

    [Fact]
    public void APreviousAdapterIsRestoredOnRelease()
    {
        Engine core = _lab.Engine.Core;
        lock (core.ControlLock)
        {
            NetmapAdapter before = core.Acquire(core.Own, "peer");
            NetmapAdapter front = new GenericAdapter("front", _lab.Device, core.Memories.Global, GenericParameters.From(_lab.Engine.Options));
            core.Install("memory:peer", front);
            Assert.Same(front, core.Acquire(core.Own, "peer"));
            core.Release(front);
            Assert.Same(front, core.Acquire(core.Own, "peer"));
            core.Release(front);
            core.Release(front);
            Assert.Same(before, core.Acquire(core.Own, "peer"));
        }
    }

    private static (int Tx, int Rx) Slots(int driver)
    {
        using GenericLab lab = new(new MemoryPairOptions { Slots = driver });
        using NetmapPort port = lab.Open();
        return (port.Info.TxSlots, port.Info.RxSlots);
    }
}
