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
        Assert.Equal(["0: copy"], rx.Info.Queues);
        Assert.Single(rx.Info.ProgramIds);
        Assert.True(rx.Info.TakesFromHost);
    }
}
