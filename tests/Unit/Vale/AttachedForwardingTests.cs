using Netmap.Devices;
using Netmap.Devices.Memory;
using Netmap.Interop;
using Netmap.Rings;
using Netmap.Vale;

namespace Netmap.Tests.Unit.Vale;

/// <summary>Frames through attached interfaces (spec 7.4): wires in memory on one side, programs on the other.</summary>
public sealed class AttachedForwardingTests
{
    [Fact]
    public void TwoInterfacesAreJoinedFrameByFrame()
    {
        using SwitchLab lab = new();
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        vale.Attach("n1");
        using NetmapPort left = lab.Open("netmap:far0");
        using NetmapPort right = lab.Open("netmap:far1");
        // The first frame to an unknown station goes everywhere, and teaches the switch where its sender is.
        SwitchLab.Send(left, SwitchLab.Frame(1, 2));
        Assert.Equal(SwitchLab.Frame(1, 2), Assert.Single(SwitchLab.Receive(right, 1)));
        for (int round = 0; round < 50; round++)
        {
            byte[][] frames = [.. Enumerable.Range(0, 20).Select(i => SwitchLab.Frame(2, 1, i, 60 + (round * 20)))];
            SwitchLab.Send(right, frames);
            Assert.Equal(frames, SwitchLab.Receive(left, frames.Length));
        }
        Assert.Equal(["n1", "n0"], vale.ForwardingTable.OrderByDescending(e => e.MacAddress).Select(e => e.Port));
        SwitchStatistics statistics = vale.GetStatistics();
        Assert.Empty(statistics.Drops);
        Assert.Equal((1, 1000), (statistics.Ports[0].InPackets, statistics.Ports[0].OutPackets));
        Assert.Equal((1000, 1), (statistics.Ports[1].InPackets, statistics.Ports[1].OutPackets));
        Assert.Equal(60, statistics.Ports[0].InBytes);
    }

    [Fact]
    public void ProgramsAndInterfacesAreAlike()
    {
        using SwitchLab lab = new();
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        using NetmapPort far = lab.Open("netmap:far0");
        using NetmapPort program = vale.Open("program");
        using NetmapPort other = vale.Open("other");
        SwitchLab.Send(far, SwitchLab.Frame(1, 255, 1));
        Assert.Single(SwitchLab.Receive(program, 1));
        Assert.Single(SwitchLab.Receive(other, 1));
        SwitchLab.Send(program, SwitchLab.Frame(3, 1, 2));
        Assert.Equal(SwitchLab.Frame(3, 1, 2), Assert.Single(SwitchLab.Receive(far, 1)));
        Assert.Equal(PollEvents.None, other.Poll(PollEvents.Receive, TimeSpan.Zero));
        // Not back to where it came from.
        Assert.Equal(PollEvents.None, far.Poll(PollEvents.Receive, TimeSpan.Zero));
    }

    [Fact]
    public void EachTransmitRingHasItsOwnReceivers()
    {
        using SwitchLab lab = new(pair: new MemoryPairOptions { Queues = 2 });
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        vale.Attach("n1");
        using NetmapPort left = lab.Open("netmap:far0");
        using NetmapPort right = lab.Open("netmap:far1");
        SwitchLab.Send(left, SwitchLab.Frame(1, 255));
        SwitchLab.Receive(right, 1);
        SwitchLab.Send(right, SwitchLab.Frame(2, 1));
        SwitchLab.Receive(left, 1);
        Assert.True(left.TxRings[1].TrySend(SwitchLab.Frame(1, 2, 7)));
        left.TxSync();
        Assert.Equal(PollEvents.Receive, right.Poll(PollEvents.Receive, SwitchLab.Soon));
        Assert.Equal(1, right.RxRings[1].Available);
    }

    /// <summary>Whoever shares the interface's memory can write its slots, and would have the engine's own memory forwarded to himself.</summary>
    [Fact]
    public unsafe void AnInterfacesSlotsDoNotLeadIntoTheEnginesMemory()
    {
        using SwitchLab lab = new();
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        KRing ring = lab.Engine.Core.Switches.Find("vale0")!.Find("n0")!.Sources[0];
        netmap_slot* slots = RawPort.Slots((netmap_ring*)(ring.Memory.Region.Address + ring.Position));
        byte* secret = stackalloc byte[60];
        (slots[0].ptr, slots[0].len, slots[0].flags) = ((ulong)secret, 60, NetmapH.NS_INDIRECT);
        slots[1].len = 60;
        PacketBatch batch = new(2);
        batch.Fill(ring, 0, 2, null);
        Assert.Equal(1, batch.Count);
        Assert.Equal(1u, batch.PacketAt(0).Start);
        Assert.Equal(1, ring.Counters.DropsFor(DropReason.BadSlot));
    }

    [Fact]
    public void AddressesLeaveWithTheirPort()
    {
        using SwitchLab lab = new();
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        using NetmapPort far = lab.Open("netmap:far0");
        using NetmapPort program = vale.Open("program");
        SwitchLab.Send(far, SwitchLab.Frame(1, 255));
        SwitchLab.Receive(program, 1);
        Assert.Equal("02:00:00:00:00:01", Assert.Single(vale.ForwardingTable).MacAddress);
        vale.Detach("n0");
        Assert.Empty(vale.ForwardingTable);
    }

    [Fact]
    public void AFullWireDropsAndCountsAtItsPortAlone()
    {
        using SwitchLab lab = new(pair: new MemoryPairOptions { Slots = 16 });
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        using NetmapPort stuck = lab.Open("netmap:far0");
        using NetmapPort reader = vale.Open("reader");
        using NetmapPort sender = vale.Open("sender");
        SwitchLab.Send(stuck, SwitchLab.Frame(1, 255));
        SwitchLab.Receive(reader, 1);
        SwitchLab.Receive(sender, 1);
        SwitchLab.Send(reader, SwitchLab.Frame(2, 255));
        SwitchLab.Receive(sender, 1);
        // 500 to each of the two, in turns; the wire's other end takes nothing.
        byte[][] frames = [.. Enumerable.Range(0, 1000).Select(i => SwitchLab.Frame(3, (byte)(1 + (i % 2)), i))];
        SwitchLab.Send(sender, frames);
        Assert.Equal(500, SwitchLab.Receive(reader, 500).Count);
        SwitchPortStatistics port = vale.GetStatistics().Ports.Single(p => p.Name == "n0");
        long lost = port.OutDrops[DropReason.DestinationFull];
        Assert.Equal([DropReason.DestinationFull], port.OutDrops.Keys);
        // What was not lost waits in the wire: a ring's worth, with the broadcast before.
        Assert.Equal(500 - 14, lost);
        Assert.Empty(vale.GetStatistics().Ports.Single(p => p.Name == "reader").OutDrops);
    }

    [Fact]
    public async Task LosslessNothingIsLostAndTheSenderGoesOnWhenThereIsRoom()
    {
        using SwitchLab lab = new(pair: new MemoryPairOptions { Slots = 16 });
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", new NetmapSwitchOptions { Lossless = true }, lab.Engine);
        vale.Attach("n0");
        vale.Attach("n1");
        using NetmapPort from = lab.Open("netmap:far0");
        using NetmapPort to = lab.Open("netmap:far1");
        SwitchLab.Send(to, SwitchLab.Frame(2, 255));
        SwitchLab.Receive(from, 1);
        const int Frames = 2000;
        Task sending = Task.Run(() =>
        {
            for (int i = 0; i < Frames; i++)
            {
                while (!from.TxRings[0].TrySend(SwitchLab.Frame(1, 2, i)))
                    Assert.Equal(PollEvents.Transmit, from.Poll(PollEvents.Transmit, SwitchLab.Soon));
                from.TxSync();
            }
        }, TestContext.Current.CancellationToken);
        List<byte[]> got = [];
        while (got.Count + Lost(vale) < Frames)
        {
            if (to.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(200)) == PollEvents.None && sending.IsCompleted)
                break;
            foreach (RxFrame frame in to.RxRings[0])
                got.Add(frame.Data.ToArray());
        }
        await sending.WaitAsync(SwitchLab.Soon, TestContext.Current.CancellationToken);
        // The switch loses nothing; a wire's own receive queue may overflow before the switch sees a frame.
        SwitchStatistics statistics = vale.GetStatistics();
        Assert.DoesNotContain(DropReason.DestinationFull, statistics.Drops.Keys);
        Assert.Equal(Frames, got.Count + Lost(vale));
    }

    [Fact]
    public async Task LosslessAProgramWaitsForAnInterface()
    {
        using SwitchLab lab = new(pair: new MemoryPairOptions { Slots = 16 });
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Lossless = true;
        vale.Attach("n0");
        using NetmapPort to = lab.Open("netmap:far0");
        using NetmapPort from = vale.Open("sender");
        const int Frames = 3000;
        Task sending = Task.Run(() =>
        {
            for (int i = 0; i < Frames; i++)
            {
                while (!from.TxRings[0].TrySend(SwitchLab.Frame(1, 2, i)))
                    Assert.Equal(PollEvents.Transmit, from.Poll(PollEvents.Transmit, SwitchLab.Soon));
            }
            while (from.TxRings[0].Space < from.TxRings[0].SlotCount - 1)
                from.Poll(PollEvents.Transmit, TimeSpan.FromMilliseconds(1));
        }, TestContext.Current.CancellationToken);
        List<byte[]> got = SwitchLab.Receive(to, Frames);
        await sending.WaitAsync(SwitchLab.Soon, TestContext.Current.CancellationToken);
        for (int i = 0; i < Frames; i++)
            Assert.Equal(SwitchLab.Frame(1, 2, i), got[i]);
        Assert.Empty(vale.GetStatistics().Drops);
    }

    [Fact]
    public void ADownWireLosesWhatIsMeantForItAndComesBack()
    {
        MemoryDeviceFactory pair = new("n0", "far0", new MemoryPairOptions());
        using NetmapEngine engine = new(new(), [pair]);
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: engine);
        vale.Attach("n0");
        using NetmapPort program = vale.Open("program");
        pair.Ends[0].SetLink(LinkState.Down);
        WaitForLink(vale, "down");
        SwitchLab.Send(program, SwitchLab.Frame(1, 2), SwitchLab.Frame(1, 2));
        Assert.Equal(2, vale.GetStatistics().Drops[DropReason.LinkDown]);
        pair.Ends[0].SetLink(LinkState.Up);
        WaitForLink(vale, "up");
        using NetmapPort far = NetmapPort.Open("netmap:far0", engine: engine);
        SwitchLab.Send(program, SwitchLab.Frame(1, 2, 9));
        Assert.Equal(SwitchLab.Frame(1, 2, 9), Assert.Single(SwitchLab.Receive(far, 1)));
    }

    [Fact]
    public void AnInterfaceThatIsGoneStaysUntilItIsDetached()
    {
        MemoryDeviceFactory pair = new("n0", "far0", new MemoryPairOptions());
        using NetmapEngine engine = new(new(), [pair]);
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: engine);
        vale.Attach("n0");
        using NetmapPort far = NetmapPort.Open("netmap:far0", engine: engine);
        using NetmapPort program = vale.Open("program");
        SwitchLab.Send(far, SwitchLab.Frame(1, 255));
        SwitchLab.Receive(program, 1);
        pair.Ends[0].SetLink(LinkState.Gone);
        WaitForLink(vale, "gone");
        Assert.Empty(vale.ForwardingTable);
        SwitchLab.Send(program, SwitchLab.Frame(2, 1));
        Assert.Equal(1, vale.GetStatistics().Drops[DropReason.DeviceGone]);
        vale.Detach("n0");
        Assert.Equal("program", Assert.Single(vale.Ports).Name);
    }

    [Fact]
    public void PolledInterfacesForwardToo()
    {
        Assert.SkipUnless(Environment.ProcessorCount > 1, "polling needs a second CPU");
        using SwitchLab lab = new();
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        vale.Attach("n0");
        using NetmapPort far = lab.Open("netmap:far0");
        using NetmapPort program = vale.Open("program");
        for (int round = 0; round < 3; round++)
        {
            vale.EnablePolling("n0", new PollingOptions());
            Assert.True(vale.Ports[0].IsPolled);
            SwitchLab.Send(far, SwitchLab.Frame(1, 255, round));
            Assert.Single(SwitchLab.Receive(program, 1));
            vale.DisablePolling("n0");
            SwitchLab.Send(far, SwitchLab.Frame(1, 255, round));
            Assert.Single(SwitchLab.Receive(program, 1));
        }
        vale.EnablePolling("n0", new PollingOptions());
        // Disposing ends polling too.
    }

    [Fact]
    public async Task DetachingUnderLoadLosesNoBufferAndHangsNobody()
    {
        using SwitchLab lab = new();
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: lab.Engine);
        using NetmapPort far0 = lab.Open("netmap:far0");
        using NetmapPort far1 = lab.Open("netmap:far1");
        using NetmapPort program = vale.Open("program");
        int free = Free(lab);
        using CancellationTokenSource stop = new();
        Task[] load = [Flood(far0, 1, stop.Token), Flood(far1, 2, stop.Token), Flood(program, 3, stop.Token)];
        for (int round = 0; round < 40; round++)
        {
            vale.Attach("n0");
            vale.Attach("n1");
            Thread.Sleep(5);
            vale.Detach("n1");
            vale.Detach("n0");
        }
        stop.Cancel();
        await Task.WhenAll(load).WaitAsync(SwitchLab.Soon, TestContext.Current.CancellationToken);
        Assert.Equal(free, Free(lab));
        Assert.Equal("program", Assert.Single(vale.Ports).Name);
    }

    private static Task Flood(NetmapPort port, byte station, CancellationToken stop) => Task.Run(() =>
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            port.TxRings[0].TrySend(SwitchLab.Frame(station, (byte)(i % 4 == 0 ? 255 : 1 + (i % 3)), i));
            if (i % 16 == 0)
                port.Poll(PollEvents.Receive | PollEvents.Transmit, TimeSpan.Zero, CancellationToken.None);
            foreach (RxRing ring in port.RxRings)
                ring.Advance(ring.Available);
        }
    }, CancellationToken.None);

    private static int Free(SwitchLab lab)
    {
        lock (lab.Engine.Core.ControlLock)
            return lab.Engine.Core.Memories.Global.Available.Buffers;
    }

    private static long Lost(NetmapSwitch vale) => vale.GetStatistics().Drops.Values.Sum();

    private static void WaitForLink(NetmapSwitch vale, string state)
    {
        for (int i = 0; i < 2000 && vale.Ports[0].Link != state; i++)
            Thread.Sleep(10);
        Assert.Equal(state, vale.Ports[0].Link);
    }
}
