using Netmap.Bpf;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>What befalls an interface, a macvlan, while a native port is open on it whose XDP program runs behind the driver.</summary>
public sealed class NativeSkbFaultTests
{
    public NativeSkbFaultTests() => Privileges.RequireBpf();

    [Fact]
    public void DownGivesENETDOWNAndUpBringsItBack()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetmapPort left = NativeLab.OpenMacvlan(lab);
        using NetmapPort right = lab.OpenRight();
        NativeFaults.DownAndUp(lab.Left, "m0", left, right);
    }

    /// <summary>The interface itself stays up, as with a cable drawn.</summary>
    [Fact]
    public void TheInterfaceBelowDownIsNoErrorAndUpBringsFramesBack()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetmapPort left = NativeLab.OpenMacvlan(lab);
        using NetmapPort right = lab.OpenRight();
        lab.Left.SetUp("v0", false);
        NativeLab.Send(left, 0);
        left.RxSync();
        lab.Left.SetUp("v0");
        NativeLab.Send(right, 7);
        Assert.Equal(TestFrame.Numbered(7, 60), NativeLab.One(left));
        Assert.True(SpinWait.SpinUntil(() => SendAndTake(left, right), VethLab.Soon), "nothing is sent any more");
        Assert.Equal(1, left.GetStatistics().Drops[DropReason.LinkDown]);
    }

    [Theory]
    [InlineData("m0")]
    [InlineData("v0")]
    public void DeletedItIsGoneForGood(string deleted)
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetmapPort left = NativeLab.OpenMacvlan(lab);
        lab.Left.Delete(deleted);
        NativeFaults.IsGone(left);
        left.Dispose();
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => NativeLab.OpenMacvlan(lab)).ErrorName);
    }

    [Fact]
    public void MovedToAnotherNamespaceItIsGoneTooAndNothingOfOursWentWithIt()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetworkNamespace elsewhere = NetworkNamespace.Create();
        using NetmapPort left = NativeLab.OpenMacvlan(lab);
        Assert.NotEqual(0u, NativeLab.ProgramOn(lab.Left, "m0"));
        NativeLab.Move(lab.Left, "m0", elsewhere);
        Assert.Equal(PollEvents.Error, left.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        left.Dispose();
        Assert.Equal(0u, NativeLab.ProgramOn(elsewhere, "m0"));
    }

    [Fact]
    public void AnMtuRaisedLaterCounts()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetmapPort left = NativeLab.OpenMacvlan(lab);
        using NetmapPort right = lab.OpenRight();
        NativeFaults.MtuRaised(left, right, () =>
        {
            lab.Left.SetMtu("v0", 1900);
            lab.Left.SetMtu("m0", 1900);
            lab.Right.SetMtu("v1", 1900);
        });
        NativeLab.Send(right, 5, 1914);
        Assert.Equal(TestFrame.Numbered(5, 1914), NativeLab.One(left));
    }

    /// <summary>A receiver, and a bridge to the host, which has programs on both ways. A short form; the long one is 100 kills (docs/native.md).</summary>
    [Theory]
    [InlineData("pkt-gen", "-f", "rx")]
    [InlineData("bridge")]
    public void AProcessKilledUnderLoadLeavesTheHostItsTraffic(string tool, params string[] arguments)
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = NativeLab.CreateMacvlan();
        int kills = NativeLab.Repetitions("NETMAP_KILLS", 3);
        Random random = new(13);
        for (int i = 0; i < kills; i++)
        {
            using Peer receiver = Peer.Start(lab.Left, "dotnet", [NativeLab.Tool, tool, "-i", "netmap:m0", "--admode", "native", .. arguments]);
            using Peer sender = Peer.Start(lab.Right, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v1", "-f", "tx");
            Assert.True(SpinWait.SpinUntil(() => NativeLab.ProgramOn(lab.Left, "m0") != 0, VethLab.Soon), "the receiver never took the traffic");
            Thread.Sleep(random.Next(600));
            receiver.Kill();
            sender.Kill();
            receiver.Finish();
            sender.Finish();
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.1"));
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.2"));
            Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "m0"));
        }
    }

    /// <summary>A short form; the long one is 1,000 cycles (docs/native.md).</summary>
    [Fact]
    public void NothingIsLeftAfterManyCycles()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        NativeLab.OpenMacvlan(lab, "*").Dispose();
        OpenResources before = OpenResources.Settled();
        List<PortProgram> programs = [];
        for (int i = 0; i < NativeLab.Repetitions("NETMAP_CYCLES", 20); i++)
        {
            using NetmapPort port = NativeLab.OpenMacvlan(lab, "*");
            programs = [.. port.Info.Programs];
            Assert.Contains(programs, program => program.ProgramId == NativeLab.ProgramOn(lab.Left, "m0"));
        }
        before.CheckNothingMoreIsOpen();
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "m0"));
        Assert.True(SpinWait.SpinUntil(() => !programs.Exists(program => BpfProgramInfo.TryFind(program.ProgramId, out _)), VethLab.Soon), "a program stayed in the kernel");
    }

    /// <summary>Somebody's program there is an error where a port would be native, and never replaced.</summary>
    [Fact]
    public void AProgramThatIsThereAlreadyIsNamed()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using BpfLink other = NativeLab.AttachForeign(lab.Left, "m0", "their_filter");
        uint id = NativeLab.ProgramOn(lab.Left, "m0");
        foreach (AdapterMode mode in (AdapterMode[])[AdapterMode.Best, AdapterMode.Native])
        {
            using NetmapEngine engine = new(NativeLab.Options with { AdapterMode = mode });
            NetmapException refused = Assert.Throws<NetmapException>(() => NativeLab.OpenMacvlan(lab, engine: engine));
            Assert.Equal("EBUSY", refused.ErrorName);
            Assert.Contains($"XDP program \"their_filter\" (id {id})", refused.Message);
        }
        Assert.Equal(id, NativeLab.ProgramOn(lab.Left, "m0"));
    }

    private static bool SendAndTake(NetmapPort from, NetmapPort to)
    {
        NativeLab.Send(from, 8);
        to.RxSync();
        return to.RxRings[0].TryPeek(out _);
    }
}
