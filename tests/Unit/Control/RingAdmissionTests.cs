using Netmap.Adapters;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;
using Netmap.Tests.Unit.Generic;

namespace Netmap.Tests.Unit.Control;

/// <summary>A ring lets threads in when all of its port exists, not before, and not when opening fails.</summary>
public sealed class RingAdmissionTests
{
    /// <summary>By kind of port; the first name is opened before.</summary>
    [Theory]
    [InlineData("f0", "f0", NetmapReq.NR_REG_NIC_SW, 0ul)]
    [InlineData("vale0:b", "vale0:a", NetmapReq.NR_REG_ALL_NIC, 0ul)]
    [InlineData("x{1", "x}1", NetmapReq.NR_REG_ALL_NIC, 0ul)]
    [InlineData("x{2", "x{1", NetmapReq.NR_REG_ALL_NIC, 0ul)]
    [InlineData("vale0:a", "vale0:a", NetmapReq.NR_REG_ALL_NIC, (ulong)NetmapH.NR_MONITOR_RX)]
    [InlineData("vale0:a", "vale0:a", NetmapReq.NR_REG_ALL_NIC, (ulong)NetmapH.NR_ZCOPY_MON)]
    public void ARingThatWasMadeIsStillClosed(string before, string name, uint mode, ulong flags)
    {
        using GenericLab lab = new();
        using RawPort there = new(lab.Engine);
        Assert.Equal(Errno.Success, there.Bind(before));
        if (before == name && flags == 0)
            there.Dispose();
        Engine engine = lab.Engine.Core;
        NetmapAdapter adapter = PortLookup.Acquire(engine.Own, name, new nmreq_register { nr_mode = mode, nr_flags = flags }, PortUse.Open);
        adapter.Memory.Activate();
        adapter.CreateKrings();
        KRing[] rings = [.. adapter.AllTxRings, .. adapter.AllRxRings];
        Assert.NotEmpty(rings);
        foreach (KRing ring in rings)
        {
            ring.Bind(exclusive: false);
            adapter.OpenRing(ring);
            Assert.True(ring.Exists);
            Assert.Equal(RingEntry.Stopped, ring.TryEnter());
        }
        foreach (KRing ring in rings)
        {
            ring.Unbind(exclusive: false);
            adapter.CloseRing(ring);
        }
        adapter.DestroyKrings();
        adapter.Memory.Deactivate();
        engine.Release(adapter);
    }

    /// <summary>What the device does while a file opens a further ring: nobody is in that ring yet, everybody may be in the others.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFurtherRingIsClosedWhileTheDeviceOpensIt(bool fails)
    {
        using GenericLab lab = new(new MemoryPairOptions { Slots = 16, Queues = 2 });
        using RawPort first = new(lab.Engine);
        Assert.Equal(Errno.Success, first.Bind("f0", NetmapReq.NR_REG_ONE_NIC, ring: 0));
        NetmapAdapter adapter = lab.AdapterOf(first);
        List<RingEntry> found = [];
        lab.Device.FailRings = fails;
        lab.Device.RingsAsked = () => found.AddRange(Entries(adapter.RxRings));
        using RawPort second = new(lab.Engine);
        Assert.Equal(fails ? Errno.EPERM : Errno.Success, second.Bind("f0", NetmapReq.NR_REG_ONE_NIC, ring: 1));
        Assert.Equal([RingEntry.Entered, RingEntry.Stopped], found);
        Assert.Equal([RingEntry.Entered, fails ? RingEntry.Stopped : RingEntry.Entered], Entries(adapter.RxRings));
    }

    /// <summary>Who opened rings that could not be had leaves none of them on, and the device hears of it.</summary>
    [Fact]
    public void RingsThatCouldNotBeOpenedAreOffAgain()
    {
        using GenericLab lab = new(new MemoryPairOptions { Slots = 16, Queues = 2 });
        using RawPort first = new(lab.Engine);
        Assert.Equal(Errno.Success, first.Bind("f0", NetmapReq.NR_REG_ONE_NIC, ring: 0));
        NetmapAdapter adapter = lab.AdapterOf(first);
        lab.Device.FailRings = true;
        using RawPort second = new(lab.Engine);
        Assert.Equal(Errno.EPERM, second.Bind("f0", NetmapReq.NR_REG_ONE_NIC, ring: 1));
        Assert.Equal([true, false], adapter.RxRings.Select(ring => ring.On));
        Assert.Equal([true, false], adapter.TxRings.Select(ring => ring.On));
        Assert.Equal([true, false], lab.Device.Closed[^1]);
        Assert.False(adapter.RxRings[1].Exists);
    }

    /// <summary>What the system refuses on the way out is no reason to stay.</summary>
    [Fact]
    public void AFileClosesWhereTheDeviceRefusesAnotherRingSet()
    {
        using GenericLab lab = new(new MemoryPairOptions { Slots = 16, Queues = 2 });
        using RawPort first = new(lab.Engine);
        Assert.Equal(Errno.Success, first.Bind("f0", NetmapReq.NR_REG_ONE_NIC, ring: 0));
        RawPort second = new(lab.Engine);
        Assert.Equal(Errno.Success, second.Bind("f0", NetmapReq.NR_REG_ONE_NIC, ring: 1));
        int before = second.Memory.Available.Buffers;
        NetmapMemory memory = second.Memory;
        lab.Device.FailRings = true;
        second.Dispose();
        Assert.Equal(before + 32, memory.Available.Buffers);
        Assert.Equal([true, false], lab.AdapterOf(first).RxRings.Select(ring => ring.On));
        Assert.Equal(Errno.Success, first.RxSync());
    }

    private static RingEntry[] Entries(KRing[] rings) => [.. rings.Select(ring =>
    {
        RingEntry entry = ring.TryEnter();
        if (entry == RingEntry.Entered)
            ring.Exit();
        return entry;
    })];
}
