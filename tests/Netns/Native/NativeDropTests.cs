using Netmap.Bpf;
using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Memory;

namespace Netmap.Tests.Netns.Native;

/// <summary>
/// What the kernel drops at an XDP socket, by its reason. A port gives it no ring too small and no descriptor that is wrong,
/// so the socket is used by itself here.
/// </summary>
public sealed unsafe class NativeDropTests : IDisposable
{
    private const int Entries = 64;

    private readonly VethLab _lab;
    private readonly NetmapMemory _memory = new(1, isPrivate: false, MemoryGeometry.Global(NativeLab.Options));
    private readonly UmemLayout _layout;
    private readonly RingCounters _tx = new();
    private readonly RingCounters _rx = new();
    private readonly XdpQueue _queue;
    private readonly XdpCapture _capture;
    private readonly NetmapPort _sender;
    private uint _buffer;

    public NativeDropTests()
    {
        Privileges.RequireBpf();
        _lab = NativeLab.Create(mtu: 3000, engine: NativeLab.Options with { NativeGear = NativeGear.Plain, BufferSize = 4096 });
        _memory.Activate();
        _layout = new((nint)_memory.Buffers, _memory.Geometry.Buffers.Bytes, NativeLab.Options.BufferSize);
        int index = _lab.Left.List().Single(link => link.Name == "v0").Index;
        XskSetup setup = new() { InterfaceIndex = index, Queue = 0, Memory = _layout.Copying, TxEntries = Entries, RxEntries = Entries, Flags = XskFlags.Copy };
        _queue = new(_lab.Left.Run(() => XskSocket.TryOpen(setup, out _, out _))!, _tx, _rx);
        _capture = _lab.Left.Run(() => XdpCapture.TryStart(index, 1, frags: true, XdpMode.Native, new XdpParts(null, null), "v0", out _))!;
        _capture.Take(0, _queue.Socket.Fd);
        _sender = _lab.OpenRight();
    }

    [Fact]
    public void WithoutAFillDescriptor()
    {
        Fill(10);
        Arrive(15);
        Assert.Equal(10u, _queue.Socket.Rx.Available());
        Expect(_rx, DropReason.NoFillDescriptor, 5);
    }

    [Fact]
    public void WithTheReceiveRingFull()
    {
        Fill(Entries);
        Arrive(Entries);
        Fill(10);
        Arrive(7);
        Expect(_rx, DropReason.KernelRingFull, 7);
    }

    /// <summary>The kernel goes on with the next one. It has a counter for such descriptors, which it leaves at 0 (6.18).</summary>
    [Fact]
    public void AFillDescriptorOutsideTheMemoryIsPassedOver()
    {
        _queue.Socket.Fill.Write(0, (ulong)_layout.PoolBytes + 4096);
        _queue.Socket.Fill.Submit(1);
        Fill(1);
        Arrive(2);
        Assert.Equal(1u, _queue.Socket.Rx.Available());
        Expect(_rx, DropReason.NoFillDescriptor, 1);
    }

    [Fact]
    public void LongerThanItsBuffer()
    {
        Fill(2);
        Arrive(1, 2900);
        Expect(_rx, DropReason.FrameTooLong, 1);
    }

    [Fact]
    public void WithATransmitDescriptorOutsideTheMemory()
    {
        _queue.Socket.Tx.Write(0, new() { addr = (ulong)_layout.PoolBytes + 4096, len = 60 });
        _queue.Socket.Tx.Submit(1);
        _queue.Socket.Kick();
        Expect(_tx, DropReason.InvalidDescriptor, 1);
    }

    public void Dispose()
    {
        _sender.Dispose();
        _capture.Dispose();
        _queue.Dispose();
        _memory.Dispose();
        _lab.Dispose();
    }

    private void Fill(uint count)
    {
        for (uint i = 0; i < count; i++)
            _queue.Socket.Fill.Write(i, _layout.Chunk(2 + _buffer++));
        _queue.Socket.Fill.Submit(count);
    }

    /// <summary>Frames come one by one; when it returns the kernel has dealt with them.</summary>
    private void Arrive(int count, int length = 60)
    {
        long before = _lab.Left.GetCounters("v0").RxPackets;
        for (int i = 0; i < count; i++)
            NativeLab.Send(_sender, i, length);
        Assert.True(SpinWait.SpinUntil(() => _lab.Left.GetCounters("v0").RxPackets >= before + count, VethLab.Soon));
    }

    /// <summary>That many for that reason, none for another; counted once.</summary>
    private void Expect(RingCounters counters, DropReason reason, int frames)
    {
        _queue.RefreshCounters();
        _queue.RefreshCounters();
        Assert.Equal((frames, frames), (counters.DropsFor(reason), _tx.Drops + _rx.Drops));
    }
}
