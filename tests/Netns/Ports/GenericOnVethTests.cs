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
        Assert.Equal("packet", rx.Info.Device);
        Assert.Equal("veth", rx.Info.Driver);
        Assert.True(rx.Info.TakesFromHost == Privileges.HasBpf, rx.Info.Mode);
    }
}
