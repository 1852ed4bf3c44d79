namespace Netmap.Tests.Netns.Native;

/// <summary>Two native ports on the two ends of a veth pair.</summary>
public sealed class NativeOnVethTests
{
    public NativeOnVethTests() => Privileges.RequireBpf();

    [Fact]
    public void FramesCrossTheWireInOrder()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        TestFrame.Cross(tx, rx, 5000);
        Assert.Equal(("native", "xdp"), (rx.Info.Adapter, rx.Info.Device));
        Assert.StartsWith("XDP sockets, copy mode; XDP program in the driver", rx.Info.Mode);
        Assert.Equal(["0: copy"], rx.Info.Queues);
        Assert.Single(rx.Info.ProgramIds);
        Assert.True(rx.Info.TakesFromHost);
    }
}
