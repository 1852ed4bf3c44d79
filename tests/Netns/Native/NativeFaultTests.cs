using Netmap.Bpf;
using Netmap.Links;

namespace Netmap.Tests.Netns.Native;

/// <summary>What befalls an interface while a native port is open on it, in either gear.</summary>
public sealed class NativeFaultTests
{
    public NativeFaultTests() => Privileges.RequireBpf();

    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AnInterfaceThatIsDownGivesENETDOWNAndComesBack(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        NativeFaults.DownAndUp(lab.Left, "v0", left, right);
    }

    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void ADeletedInterfaceIsGoneForGood(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        using NetmapPort left = lab.OpenLeft();
        lab.Left.Delete("v0");
        NativeFaults.IsGone(left);
        left.Dispose();
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => lab.OpenLeft()).ErrorName);
    }

    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AnInterfaceMovedToAnotherNamespaceIsGoneToo(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        using NetworkNamespace elsewhere = NetworkNamespace.Create();
        using NetmapPort left = lab.OpenLeft();
        NativeLab.Move(lab.Left, "v0", elsewhere);
        Assert.Equal(PollEvents.Error, left.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        left.Dispose();
        // Nothing of ours went with it.
        Assert.Equal(0u, NativeLab.ProgramOn(elsewhere, "v0"));
    }

    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AnMtuRaisedLaterCounts(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        NativeFaults.MtuRaised(left, right, () =>
        {
            lab.Left.SetMtu("v0", 1900);
            lab.Right.SetMtu("v1", 1900);
        });
    }

    [Fact]
    public void AProgramThatIsThereAlreadyIsNamed()
    {
        using VethLab lab = NativeLab.Create();
        using BpfLink other = NativeLab.AttachForeign(lab.Left, "v0", "their_filter");
        uint id = NativeLab.ProgramOn(lab.Left, "v0");
        foreach (AdapterMode mode in (AdapterMode[])[AdapterMode.Best, AdapterMode.Native])
        {
            using NetmapEngine engine = new(NativeLab.Options with { AdapterMode = mode });
            NetmapException refused = Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: engine)));
            Assert.Equal("EBUSY", refused.ErrorName);
            Assert.Contains($"XDP program \"their_filter\" (id {id})", refused.Message);
            Assert.Contains("AdapterMode.Generic", refused.Message);
            Assert.Contains("their_filter", lab.Left.Run(() => NetmapPort.Query("netmap:v0", engine)).Mode);
        }
        using NetmapEngine generic = new(VethLab.Generic);
        using NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: generic));
        Assert.Equal("generic", port.Info.Adapter);
        Assert.Equal(id, NativeLab.ProgramOn(lab.Left, "v0"));
    }

    /// <summary>Our link holds the place in the driver; beside a generic port there may be any program.</summary>
    [Fact]
    public void AProgramThatComesLaterIsRefusedNativelyAndRunsBesideGenericPorts()
    {
        using VethLab lab = NativeLab.Create();
        using (NetmapPort left = lab.OpenLeft())
        using (NetmapPort right = lab.OpenRight())
        {
            Assert.Null(NativeLab.AttachForeign(lab.Left, "v0", "late"));
            NativeLab.Send(right, 1);
            Assert.Equal(TestFrame.Numbered(1, 60), NativeLab.One(left));
        }
        using NetmapEngine generic = new(VethLab.Generic);
        using NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: generic));
        using NetmapPort peer = lab.OpenRight();
        using BpfLink? late = NativeLab.AttachForeign(lab.Left, "v0", "late");
        Assert.NotNull(late);
        NativeLab.Send(peer, 2);
        Assert.Equal(TestFrame.Numbered(2, 60), NativeLab.One(port));
    }
}
