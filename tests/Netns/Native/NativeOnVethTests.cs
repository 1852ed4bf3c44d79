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
        Assert.Equal([("tx", 0, 0), ("rx", 0, 0)], rx.Info.Queues.Select(queue => (queue.Direction, queue.Ring, queue.Queue!.Value)));
        Assert.All(rx.Info.Queues, queue => Assert.StartsWith("XDP, copy", queue.Mode));
        Assert.All(rx.Info.Queues, queue => Assert.True(queue.Socket > 0));
        Assert.Equal(["xdp", "tcx egress", "tcx ingress"], rx.Info.Programs.Select(program => program.Hook));
        Assert.All(rx.Info.Programs, program => Assert.True(program is { ProgramId: > 0, LinkId: > 0 }));
        Assert.True(rx.Info.TakesFromHost);
    }
}
