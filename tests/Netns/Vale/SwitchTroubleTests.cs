using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Vale;

/// <summary>Interfaces that go away, links that go down, and detaching, all with traffic on the switch.</summary>
public sealed class SwitchTroubleTests
{
    [Fact]
    public void DetachingUnderLoadGivesTheInterfaceBackAndAttachingGoesOn()
    {
        Peer.Require("ping", "iputils-ping");
        using SwitchWire wire = new SwitchWire().Attached();
        using Peer flood = Peer.Start(wire.LeftSpace, "ping", "-f", "-q", "-w", "5", "-s", "1000", SwitchWire.Right);
        for (int round = 0; round < 10; round++)
        {
            wire.Switch.Detach("b0");
            Assert.Equal("a0", Assert.Single(wire.Switch.Ports).Name);
            wire.Attach("b0");
        }
        flood.Finish();
        Assert.Contains(" 0% packet loss", Peer.Run(wire.LeftSpace, "ping", "-q", "-c", "5", "-i", "0.05", SwitchWire.Right));
    }

    [Fact]
    public void ADeletedInterfaceIsGoneUntilItIsDetachedAndOthersGoOn()
    {
        using SwitchWire wire = new SwitchWire().Attached();
        using NetmapPort program = wire.Switch.Open("program");
        wire.Middle.Delete("a0");
        WaitForLink(wire, "a0", "gone");
        Send(program);
        Assert.Equal(1, wire.Switch.GetStatistics().Drops[DropReason.DeviceGone]);
        SwitchPortStatistics other = wire.Port("b0");
        Assert.Equal((1, 0), (other.OutPackets, other.OutDrops.Count));
        wire.Switch.Detach("a0");
        Assert.Equal(["b0", "program"], wire.Switch.Ports.Select(port => port.Name));
    }

    [Fact]
    public void ALinkThatGoesDownAndUpForwardsAgain()
    {
        Peer.Require("ping", "iputils-ping");
        using SwitchWire wire = new SwitchWire().Attached();
        wire.Middle.SetUp("b0", false);
        WaitForLink(wire, "b0", "down");
        wire.Middle.SetUp("b0");
        WaitForLink(wire, "b0", "up");
        Assert.Contains(" 0% packet loss", Peer.Run(wire.LeftSpace, "ping", "-q", "-c", "5", "-i", "0.05", SwitchWire.Right));
    }

    [Fact]
    public void AttachedInterfacesHearFramesForOthersAndStopAfterwards()
    {
        using SwitchWire wire = new SwitchWire().Attached();
        Assert.Equal(1, Promiscuity(wire));
        wire.Switch.Detach("a0");
        Assert.Equal(0, Promiscuity(wire));
    }

    [Fact]
    public void NothingIsLeftOpenOrMapped()
    {
        using SwitchWire wire = new SwitchWire().Attached();
        wire.Switch.Detach("a0");
        wire.Attach("a0");
        OpenResources before = OpenResources.Settled();
        for (int i = 0; i < 10; i++)
        {
            wire.Switch.Detach("a0");
            wire.Attach("a0");
        }
        before.CheckNothingMoreIsOpen();
    }

    private static void Send(NetmapPort port)
    {
        byte[] frame = TestFrame.Numbered(1, 60);
        frame.AsSpan(0, 6).Fill(0xff);
        Assert.True(port.TxRings[0].TrySend(frame));
        port.TxSync();
    }

    private static int Promiscuity(SwitchWire wire)
    {
        using Peer peer = Peer.Start(wire.Middle, "ip", "-d", "link", "show", "dev", "a0");
        string words = peer.Finish();
        string[] parts = words.Split(' ', '\n');
        return int.Parse(parts[Array.IndexOf(parts, "promiscuity") + 1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void WaitForLink(SwitchWire wire, string port, string state)
    {
        for (int i = 0; i < 2000 && wire.Switch.Ports.Single(p => p.Name == port).Link != state; i++)
            Thread.Sleep(10);
        Assert.Equal(state, wire.Switch.Ports.Single(p => p.Name == port).Link);
    }
}
