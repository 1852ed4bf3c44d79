using Netmap.Tests.Unit.Host;

namespace Netmap.Tests.Unit.Vale;

/// <summary>The host's stack as a second port of a switch, <c>vale0:if^</c> (spec 7.2, 7.4).</summary>
public sealed class HostPortTests : IDisposable
{
    private readonly HostLab _lab = new(slots: 64);
    private readonly NetmapSwitch _vale;

    public HostPortTests() => _vale = NetmapSwitch.Create("vale0", engine: _lab.Engine);

    public void Dispose()
    {
        _vale.Dispose();
        _lab.Dispose();
    }

    [Fact]
    public void WithTheHostThereAreTwoPorts()
    {
        _vale.Attach("h0", new AttachOptions { Host = true });
        Assert.Equal([("h0", 0, SwitchPortKind.Interface), ("h0^", 1, SwitchPortKind.Host)], _vale.Ports.Select(p => (p.Name, p.Index, p.Kind)));
        _vale.Detach("h0");
        Assert.Empty(_vale.Ports);
    }

    [Fact]
    public void TheHostTalksToProgramsAndToTheWire()
    {
        _vale.Attach("h0", new AttachOptions { Host = true });
        using NetmapPort program = _vale.Open("program");
        using NetmapPort wire = _lab.OpenWire();
        // The host's own station is 1.
        Assert.True(_lab.Host.Send(SwitchLab.Frame(1, 255)));
        Assert.Single(SwitchLab.Receive(program, 1));
        Assert.Single(SwitchLab.Receive(wire, 1));
        SwitchLab.Send(program, SwitchLab.Frame(3, 1, 5));
        Assert.Equal(SwitchLab.Frame(3, 1, 5), Take());
        SwitchLab.Send(wire, SwitchLab.Frame(2, 1, 6));
        Assert.Equal(SwitchLab.Frame(2, 1, 6), Take());
        Assert.True(_lab.Host.Send(SwitchLab.Frame(1, 2, 7)));
        Assert.Equal(SwitchLab.Frame(1, 2, 7), Assert.Single(SwitchLab.Receive(wire, 1)));
        Assert.Equal(PollEvents.None, program.Poll(PollEvents.Receive, TimeSpan.Zero));
        SwitchPortStatistics host = _vale.GetStatistics().Ports.Single(port => port.Name == "h0^");
        Assert.Equal((2, 2), (host.InPackets, host.OutPackets));
        Assert.Empty(_vale.GetStatistics().Drops);
    }

    [Fact]
    public void WithoutTheHostItIsCutOff()
    {
        _vale.Attach("h0");
        using NetmapPort program = _vale.Open("program");
        using NetmapPort wire = _lab.OpenWire();
        _lab.Host.Send(SwitchLab.Frame(1, 255));
        SwitchLab.Send(program, SwitchLab.Frame(3, 1));
        SwitchLab.Receive(wire, 1);
        Assert.Empty(_lab.Host.Received);
        Assert.Equal(PollEvents.None, program.Poll(PollEvents.Receive, TimeSpan.Zero));
    }

    [Fact]
    public void TheHostsPortGoesWithItsInterface()
    {
        _vale.Attach("h0", new AttachOptions { Host = true });
        NetmapException refused = Assert.Throws<NetmapException>(() => _vale.Detach("h0^"));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains("vale0:h0", refused.Message);
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => _vale.Open("h0^")).ErrorName);
        Assert.Equal("EOPNOTSUPP", Assert.Throws<NetmapException>(() => _vale.EnablePolling("h0^", new PollingOptions())).ErrorName);
    }

    [Fact]
    public void APersistentPortOfThatNameIsInTheWay()
    {
        NetmapControl.CreatePort("h0^", engine: _lab.Engine);
        _vale.Attach("h0^");
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => _vale.Attach("h0", new AttachOptions { Host = true })).ErrorName);
        Assert.Single(_vale.Ports);
        _lab.Open("").Dispose();
    }

    [Fact]
    public void ARefusedHostSideIsReportedAndLeavesTheInterfaceFree()
    {
        _lab.Host.Refusal = Interop.Errno.EPERM;
        Assert.Equal("EPERM", Assert.Throws<NetmapException>(() => _vale.Attach("h0", new AttachOptions { Host = true })).ErrorName);
        Assert.Empty(_vale.Ports);
        _vale.Attach("h0");
        Assert.Single(_vale.Ports);
    }

    private byte[] Take()
    {
        byte[]? frame = null;
        Assert.True(SpinWait.SpinUntil(() => _lab.Host.Received.TryDequeue(out frame), SwitchLab.Soon));
        return frame!;
    }
}
