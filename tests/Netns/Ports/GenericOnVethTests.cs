namespace Netmap.Tests.Netns.Ports;

/// <summary>Two netmap ports on the two ends of a veth pair.</summary>
public sealed class GenericOnVethTests
{
    [Fact]
    public void FramesCrossTheWireInOrder()
    {
        using VethLab lab = new();
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        TestFrame.Cross(tx, rx, 5000);
        Assert.Equal("packet", rx.Info.Device);
        Assert.Equal("veth", rx.Info.Driver);
        Assert.True(rx.Info.TakesFromHost == Privileges.HasBpf, rx.Info.Mode);
    }
}
