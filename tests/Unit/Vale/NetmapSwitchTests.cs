namespace Netmap.Tests.Unit.Vale;

/// <summary>The public API of a switch.</summary>
public sealed class NetmapSwitchTests : IDisposable
{
    private readonly SwitchLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void ASwitchInThreeLines()
    {
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);
        SwitchPortInfo attached = vale.Attach("n0");
        using NetmapPort port = vale.Open("program");

        Assert.Equal(("n0", 0, SwitchPortKind.Interface, "up"), (attached.Name, attached.Index, attached.Kind, attached.Link));
        Assert.Equal([("n0", SwitchPortKind.Interface), ("program", SwitchPortKind.Ephemeral)], vale.Ports.Select(p => (p.Name, p.Kind)));
        Assert.Contains("switch vale0", port.Info.Mode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("switch")]
    [InlineData("vale0:")]
    [InlineData("vale0:port")]
    [InlineData("vale-0")]
    [InlineData("valeabcdefghijkl")]
    public void OtherNamesAreEINVAL(string name)
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => NetmapSwitch.Create(name, engine: _lab.Engine));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.DoesNotContain('\n', refused.Message);
    }

    /// <summary>Numbers of switches and ports have 16 bits.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(65536, 1)]
    [InlineData(1, -1)]
    [InlineData(1, 65536)]
    [InlineData(1, int.MaxValue)]
    public void LimitsOutOfRangeAreEINVALAndNameTheOption(int switches, int ports)
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { SwitchCount = switches, SwitchPortCount = ports });
        foreach (Action use in new Action[] { () => NetmapSwitch.Create("vale0", engine: engine), () => NetmapPort.Open("netmap:p{1", engine: engine) })
        {
            NetmapException refused = Assert.Throws<NetmapException>(use);
            Assert.Equal("EINVAL", refused.ErrorName);
            Assert.Contains(switches == 1 ? "SwitchPortCount" : "SwitchCount", refused.Message);
        }
    }

    [Fact]
    public void ASwitchThatWasLetGoOpensNothing()
    {
        NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);
        vale.Dispose();
        Assert.Throws<ObjectDisposedException>(() => vale.Open("program"));
        Assert.Throws<ObjectDisposedException>(() => vale.Attach("n0"));
    }

    [Fact]
    public void TooManySwitchesIsENOMEMAndNamesTheOption()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { SwitchCount = 1 });
        using NetmapSwitch first = NetmapSwitch.Create("vale0", engine: engine);
        NetmapException refused = Assert.Throws<NetmapException>(() => NetmapSwitch.Create("vale1", engine: engine));
        Assert.Equal("ENOMEM", refused.ErrorName);
        Assert.Contains("SwitchCount", refused.Message);
    }

    [Fact]
    public void AHeldSwitchStaysWithoutPortsAndGoesWithItsHolder()
    {
        NetmapSwitch vale = NetmapSwitch.Create("vale0", new NetmapSwitchOptions { Lossless = true }, _lab.Engine);
        vale.Open("p").Dispose();
        using (NetmapSwitch same = NetmapSwitch.Create("vale0", engine: _lab.Engine))
            Assert.True(same.Lossless);
        Assert.True(NetmapSwitch.Create("vale0", engine: _lab.Engine).Lossless);
        vale.Dispose();
        vale.Dispose();
        Assert.Throws<ObjectDisposedException>(() => vale.Attach("n0"));
    }

    [Fact]
    public void DisposeDetachesWhatItAttachedAndLeavesOtherPorts()
    {
        NetmapControl.CreatePort("v0", engine: _lab.Engine);
        NetmapControl.Attach("vale0:n1", engine: _lab.Engine);
        NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);
        vale.Attach("n0");
        Assert.Equal(SwitchPortKind.Persistent, vale.Attach("v0").Kind);
        using NetmapPort port = vale.Open("program");
        vale.Dispose();
        Assert.Equal(["vale0:n1", "vale0:program"], NetmapControl.List(_lab.Engine).Select(p => p.Name));
        NetmapControl.DeletePort("v0", _lab.Engine);
        _lab.Open("netmap:n0").Dispose();
    }

    [Fact]
    public void DisposingTheEngineEndsEverything()
    {
        NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);
        vale.Attach("n0");
        NetmapPort port = vale.Open("program");
        _lab.Engine.Dispose();
        vale.Dispose();
        port.Dispose();
        Assert.Throws<ObjectDisposedException>(() => NetmapSwitch.Create("vale0", engine: _lab.Engine));
        Assert.Throws<ObjectDisposedException>(() => NetmapControl.List(_lab.Engine));
    }

    [Fact]
    public void AgingMayBeSetAndAddressesAreForgotten()
    {
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new();
        using NetmapEngine engine = new(new NetmapEngineOptions { Clock = clock });
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", new NetmapSwitchOptions { Aging = TimeSpan.FromSeconds(5) }, engine);
        using NetmapPort a = vale.Open("a");
        using NetmapPort b = vale.Open("b");
        SwitchLab.Send(a, SwitchLab.Frame(1, 255));
        clock.Advance(TimeSpan.FromSeconds(4));
        ForwardingEntry entry = Assert.Single(vale.ForwardingTable);
        Assert.Equal(("02:00:00:00:00:01", "a", 0, TimeSpan.FromSeconds(4)), (entry.MacAddress, entry.Port, entry.PortIndex, entry.Idle));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(vale.ForwardingTable);
        vale.Aging = TimeSpan.FromSeconds(60);
        Assert.Single(vale.ForwardingTable);
        Assert.Equal(TimeSpan.FromSeconds(60), vale.Aging);
    }

    [Fact]
    public void StatisticsTellInFromOutAndDropsByReason()
    {
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);
        using NetmapPort a = vale.Open("a");
        using NetmapPort b = vale.Open("b");
        SwitchLab.Send(b, SwitchLab.Frame(2, 255));
        SwitchLab.Receive(a, 1);
        for (int round = 0; round < 2; round++)
            SwitchLab.Send(a, [.. Enumerable.Range(0, 1000).Select(i => SwitchLab.Frame(1, 2, i, 100))]);
        SwitchLab.Send(a, [new byte[10]]);
        SwitchLab.Receive(b, 1023);
        SwitchStatistics statistics = vale.GetStatistics();
        SwitchPortStatistics fromA = statistics.Ports[0];
        SwitchPortStatistics toB = statistics.Ports[1];
        Assert.Equal((2001, 200010), (fromA.InPackets, fromA.InBytes));
        Assert.Equal(1, fromA.InDrops[DropReason.TooShort]);
        Assert.Equal((1023, 102300), (toB.OutPackets, toB.OutBytes));
        Assert.Equal(977, toB.OutDrops[DropReason.DestinationFull]);
        Assert.Equal(978, statistics.Drops.Values.Sum());
    }

    [Fact]
    public void LosslessMayBeTurnedOffUnderAWaitingSender()
    {
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", new NetmapSwitchOptions { Lossless = true }, _lab.Engine);
        using NetmapPort a = vale.Open("a");
        using NetmapPort b = vale.Open("b");
        for (int i = 0; i < 1023; i++)
            Assert.True(a.TxRings[0].TrySend(SwitchLab.Frame(1, 2, i)));
        a.TxSync();
        for (int i = 0; i < 1023; i++)
            Assert.True(a.TxRings[0].TrySend(SwitchLab.Frame(1, 2, i)));
        a.TxSync();
        Assert.Equal(0, a.TxRings[0].Space);
        vale.Lossless = false;
        Assert.Equal(PollEvents.Transmit, a.Poll(PollEvents.Transmit, SwitchLab.Soon));
        Assert.Equal(1023, vale.GetStatistics().Drops[DropReason.DestinationFull]);
    }

    [Fact]
    public void RefusalsAreOneLineAndNameThePort()
    {
        using NetmapSwitch vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);
        vale.Attach("n0");
        Action[] attempts =
        [
            () => vale.Attach("n0"), () => vale.Attach("nosuch"), () => vale.Detach("nosuch"), () => vale.Open("n1"),
            () => vale.Open("n0"), () => vale.DisablePolling("n0"), () => vale.EnablePolling("n0", new PollingOptions { Cpus = 99 }),
            () => NetmapControl.CreatePort("n0", engine: _lab.Engine), () => NetmapControl.DeletePort("n0", _lab.Engine),
            () => NetmapControl.SetHeaderLength("vale0:n0", 10, _lab.Engine), () => NetmapControl.Attach("vale0:n1", new AttachOptions { MemoryId = 99 }, _lab.Engine),
        ];
        foreach (Action attempt in attempts)
        {
            NetmapException refused = Assert.Throws<NetmapException>(attempt);
            Assert.DoesNotContain('\n', refused.Message);
            Assert.Contains(refused.ErrorName, refused.Message);
            Assert.NotNull(refused.Port);
        }
    }
}
