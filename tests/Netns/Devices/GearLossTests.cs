using Netmap.Bpf;
using Netmap.Devices.Xdp.Gear;

namespace Netmap.Tests.Netns.Devices;

/// <summary>Frames that the interface takes and loses are counted, each once, and nobody else's.</summary>
public sealed class GearLossTests
{
    [Fact]
    public void FramesThatAreNotLostAreNotCounted()
    {
        using GearLab lab = new();
        using GearLoss loss = Start(lab);
        Send(lab, 1000);
        Assert.Equal(0, loss.Take());
        Assert.Equal(1000, lab.Rx.Ring(0).Purge());
    }

    /// <summary>A veth whose other end does not poll takes no redirected frame.</summary>
    [Fact]
    public void FramesToAPeerThatDoesNotPollAreCounted()
    {
        using GearLab lab = new(receive: false);
        using GearLoss loss = Start(lab);
        Send(lab, 300);
        Assert.Equal(300, loss.Take());
        Assert.Equal(0, loss.Take());
    }

    [Fact]
    public void FramesToAPeerThatIsDownAreCounted()
    {
        using GearLab lab = new();
        using GearLoss loss = Start(lab);
        lab.Veth.Right.SetUp("v1", false);
        Send(lab, 100);
        Assert.Equal(100, loss.Take());
    }

    /// <summary>Interfaces of the same number in different namespaces.</summary>
    [Fact]
    public void LossesOfOthersAreTheirs()
    {
        using GearLab one = new();
        using GearLab other = new();
        Assert.Equal(GearLab.Index(one.Veth.Left, "v0"), GearLab.Index(other.Veth.Left, "v0"));
        using GearLoss lossOfOne = Start(one);
        using GearLoss lossOfOther = Start(other);
        other.Veth.Right.SetUp("v1", false);
        Send(one, 64);
        Send(other, 77);
        Assert.Equal((0, 77), (lossOfOne.Take(), lossOfOther.Take()));
    }

    [Fact]
    public void TheKernelsStructuresAreFound()
    {
        Privileges.RequireBpf();
        KernelTypes types = KernelTypes.Running()!;
        Assert.Equal(0, types.Offset("list_head", "next"));
        Assert.Equal(IntPtr.Size, types.Offset("list_head", "prev"));
        Assert.Null(types.Offset("list_head", "ifindex"));
        // In a structure without a name, in a union without one.
        Assert.Equal(types.Member("sk_buff", "csum_start")!.Value.Bit + 16, types.Member("sk_buff", "csum_offset")!.Value.Bit);
        Assert.Equal((2, 0), (types.Member("sk_buff", "ip_summed")!.Value.Bits, types.Member("sk_buff", "csum_start")!.Value.Bits));
        Assert.Null(types.Offset("no_such_structure", "next"));
        Assert.Throws<InvalidDataException>(() => new KernelTypes(new byte[100]));
    }

    private static GearLoss Start(GearLab lab)
    {
        int index = GearLab.Index(lab.Veth.Left, "v0");
        return lab.Veth.Left.Run(() => GearLoss.TryStart(lab.Tx.Interface, index, "v0"))!;
    }

    private static void Send(GearLab lab, int frames)
    {
        for (int i = 0; i < frames; i++)
            lab.Send(0, TestFrame.Numbered(i, 60));
        lab.Flush(0);
    }
}
