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
        const int Frames = 5000;
        int sent = 0;
        int received = 0;
        while (received < Frames)
        {
            while (sent < Frames && tx.TxRings[0].TrySend(TestFrame.Numbered(sent, 60 + (sent % 1400))))
                sent++;
            tx.TxSync();
            Assert.Equal(PollEvents.Receive, rx.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxFrame frame in rx.RxRings[0])
            {
                Assert.True(frame.Data.SequenceEqual(TestFrame.Numbered(received, 60 + (received % 1400))), $"frame {received}");
                received++;
            }
        }
        Assert.Equal(Frames, rx.GetStatistics().Rx[0].Packets);
        Assert.Empty(rx.GetStatistics().Drops);
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
