using Netmap.Links;

namespace Netmap.Tests.Netns.Native;

/// <summary>What befalls an interface, and how a native port on it must take that, wherever its XDP program runs.</summary>
internal static class NativeFaults
{
    /// <summary>ENETDOWN while it is down; then all goes on, nothing lost.</summary>
    public static void DownAndUp(NetworkNamespace space, string name, NetmapPort port, NetmapPort peer)
    {
        space.SetUp(name, false);
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        Assert.True(port.TxRings[0].TrySend(TestFrame.Numbered(0, 60)));
        Assert.Equal("ENETDOWN", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        space.SetUp(name);
        NativeLab.Send(peer, 7);
        Assert.Equal(TestFrame.Numbered(7, 60), NativeLab.One(port));
        // What was not sent while the link was down goes out now.
        port.TxSync();
        Assert.Equal(TestFrame.Numbered(0, 60), NativeLab.One(peer));
    }

    /// <summary>The interface has been deleted.</summary>
    public static void IsGone(NetmapPort port)
    {
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        Assert.Contains(Assert.Throws<NetmapException>(port.RxSync).ErrorName, (string[])["EIO", "ENXIO"]);
        Assert.Throws<NetmapException>(port.TxSync);
    }

    /// <summary>Frames of 1,900 bytes behind the Ethernet header are too long before <paramref name="raise"/>, and go through soon after.</summary>
    public static void MtuRaised(NetmapPort port, NetmapPort peer, Action raise)
    {
        NativeLab.Send(port, 1, 1914);
        Assert.Equal(1, port.GetStatistics().Drops[DropReason.ExceedsMtu]);
        raise();
        // The link is looked at ten times a second: frames are too long until then.
        long dropped;
        int number = 1;
        do
        {
            dropped = port.GetStatistics().Drops[DropReason.ExceedsMtu];
            Assert.InRange(number++, 1, 10000);
            NativeLab.Send(port, number, 1914);
            Thread.Sleep(1);
        }
        while (port.GetStatistics().Drops[DropReason.ExceedsMtu] > dropped);
        Assert.Equal(TestFrame.Numbered(number, 1914), NativeLab.One(peer));
    }
}
