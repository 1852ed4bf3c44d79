using Netmap.Links;

namespace Netmap.Tests.Netns.Ports;

/// <summary>What goes wrong on a real interface: one line that says what and what to do; nothing left behind.</summary>
public sealed class BadInputTests
{
    [Fact]
    public void GoingDownAndUpInUseIsReportedAndSurvived()
    {
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft();
        using NetmapPort peer = lab.OpenRight();
        lab.Left.SetUp("v0", false);
        port.TxRings[0].TrySend(TestFrame.Numbered(1, 60));
        NetmapException down = Assert.Throws<NetmapException>(port.TxSync);
        Assert.Equal("ENETDOWN", down.ErrorName);
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon));
        Assert.Equal("down", port.Info.Link);
        lab.Left.SetUp("v0");
        port.TxSync();
        peer.TxRings[0].TrySend(TestFrame.Numbered(2, 60));
        peer.TxSync();
        PollEvents found = PollEvents.None;
        for (int i = 0; i < 20 && (found & PollEvents.Receive) == 0; i++)
            found = port.Poll(PollEvents.Receive, VethLab.Soon);
        Assert.Equal(1, port.RxRings[0].Available);
    }

    [Fact]
    public void AWaitEndsWhenTheInterfaceGoesDown()
    {
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft();
        Thread later = new(() =>
        {
            Thread.Sleep(50);
            lab.Left.SetUp("v0", false);
        });
        later.Start();
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon));
        later.Join();
    }

    [Fact]
    public void DeletedInUseIsAnErrorAndClosesCleanly()
    {
        using VethLab lab = new();
        NetmapPort port = lab.OpenLeft();
        lab.Left.Delete("v0");
        port.TxRings[0].TrySend(TestFrame.Numbered(1, 60));
        Assert.Contains(Assert.Throws<NetmapException>(port.TxSync).ErrorName, (string[])["EIO", "ENXIO"]);
        Assert.Equal("EIO", Assert.Throws<NetmapException>(port.RxSync).ErrorName);
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon));
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => port.Info).ErrorName);
        port.Dispose();
    }

    [Fact]
    public void RenamedInUseGoesOn()
    {
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft();
        using NetmapPort peer = lab.OpenRight();
        lab.Left.Rename("v0", "other");
        Assert.Equal("other", port.Info.InterfaceName);
        port.TxRings[0].TrySend(TestFrame.Numbered(1, 60));
        port.TxSync();
        Assert.Equal(PollEvents.Receive, peer.Poll(PollEvents.Receive, VethLab.Soon));
        // The new name is the same port.
        using NetmapPort again = lab.Left.Run(() => NetmapPort.Open("netmap:other", engine: lab.Engine));
        Assert.Equal(port.Info.InterfaceIndex, again.Info.InterfaceIndex);
    }

    [Fact]
    public void AnMtuAboveTheBufferNamesTheOption()
    {
        using VethLab lab = new(new LinkOptions { Mtu = 9000 });
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.OpenLeft());
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains("BufferSize", refused.Message);
        NetmapException loopback = Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:lo", engine: lab.Engine)));
        Assert.Equal("EINVAL", loopback.ErrorName);
    }

    [Fact]
    public void AnExhaustedPoolNamesTheOption()
    {
        using VethLab lab = new(engine: new NetmapEngineOptions { BufferCount = 1500 });
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.OpenLeft());
        Assert.Equal("ENOMEM", refused.ErrorName);
        Assert.Contains("BufferCount", refused.Message);
        lab.OpenLeft("/R").Dispose();
    }

    [Fact]
    public void ABridgePortIsEBUSY()
    {
        using VethLab lab = new();
        lab.Left.CreateBridge("br0");
        lab.Left.SetMaster("v0", "br0");
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => lab.OpenLeft()).ErrorName);
    }

    [Fact]
    public void MessagesAreOneLine()
    {
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft("/x");
        foreach (string suffix in (string[])["", "/x", "-9", "^1", "*", "{", "/q", "-"])
        {
            NetmapException refused = Assert.Throws<NetmapException>(() => lab.OpenLeft(suffix));
            Assert.DoesNotContain('\n', refused.Message);
            Assert.Contains("v0", refused.Message);
            Assert.Contains(refused.ErrorName, refused.Message);
        }
    }

    [Fact]
    public void NothingIsLeftOpenOrMapped()
    {
        using VethLab lab = new(new LinkOptions { Queues = 2 });
        lab.OpenLeft().Dispose();
        OpenResources before = OpenResources.Settled();
        for (int i = 0; i < 10; i++)
        {
            using (NetmapPort port = lab.OpenLeft("/x"))
            {
                port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(1));
                Assert.Throws<NetmapException>(() => lab.OpenLeft());
            }
            Assert.Throws<NetmapException>(() => lab.OpenLeft("-9"));
            lab.Left.SetUp("v0", false);
            lab.OpenLeft().Dispose();
            lab.Left.SetUp("v0");
        }
        before.CheckNothingMoreIsOpen();
    }
}
