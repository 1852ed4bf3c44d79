using System.Net;
using Netmap.Cli.Demo;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Devices;

/// <summary>tap:NAME, the wire side of a TAP interface; the host's own stack is the peer.</summary>
public sealed class TapDeviceTests
{
    [Fact]
    public void TheHostPingsUsOverATap()
    {
        Privileges.RequireNamespaces();
        Peer.Require("ping", "iputils-ping");
        using NetworkNamespace host = NetworkNamespace.Create();
        using NetmapEngine engine = new();
        using NetmapPort port = host.Run(() => NetmapPort.Open("tap:wire0", engine: engine));
        host.AddAddress("wire0", "10.8.0.1/24");
        Assert.Equal(("tap", "up"), (port.Info.Device, port.Info.Link));
        using CancellationTokenSource done = new();
        EchoResponder responder = new(Convert.FromHexString(port.Info.MacAddress.Replace(":", "")), IPAddress.Parse("10.8.0.2").GetAddressBytes());
        Thread serving = new(() => responder.Serve(port, done.Token));
        serving.Start();
        string words = Peer.Run(host, "ping", "-q", "-c", "200", "-i", "0.002", "10.8.0.2");
        done.Cancel();
        serving.Join();
        Assert.Contains("200 received", words);
    }

    [Fact]
    public void TheInterfaceGoesWithThePortAndBadNamesAreRefused()
    {
        Privileges.RequireNamespaces();
        using NetworkNamespace host = NetworkNamespace.Create();
        using NetmapEngine engine = new();
        NetmapPort port = host.Run(() => NetmapPort.Open("tap:wire0", engine: engine));
        port.TxRings[0].TrySend(new byte[2000]);
        port.TxRings[0].TrySend(new byte[5]);
        port.TxRings[0].TrySend(TestFrame.Numbered(1, 60));
        port.TxSync();
        Assert.Equal(1, port.GetStatistics().Drops[DropReason.ExceedsMtu]);
        Assert.Equal(1, port.GetStatistics().Drops[DropReason.TooShort]);
        Assert.Equal(1, host.GetCounters("wire0").RxPackets);
        host.SetUp("wire0", false);
        // What the host sent before it went down comes first.
        PollEvents found;
        while (((found = port.Poll(PollEvents.Receive, VethLab.Soon)) & PollEvents.Error) == 0 && found != PollEvents.None)
            port.RxRings[0].Advance(port.RxRings[0].Available);
        Assert.NotEqual(PollEvents.None, found);
        port.Dispose();
        Assert.Equal("ENODEV", Assert.Throws<NetmapException>(() => host.SetUp("wire0")).ErrorName);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => host.Run(() => NetmapPort.Open("tap:averyveryverylongname", engine: engine))).ErrorName);
    }
}
