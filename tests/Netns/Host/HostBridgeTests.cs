using System.Globalization;
using System.Text.Json;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Host;

/// <summary>A bridge between an interface and its own host: nobody on either side should notice it.</summary>
public sealed class HostBridgeTests
{
    [Theory]
    [InlineData("native", true)]
    [InlineData("native", false)]
    [InlineData("generic", true)]
    [InlineData("generic", false)]
    public void AFloodOfPingsLosesNone(string adapter, bool fromTheHost)
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = Lab(adapter);
        using NetmapPort nic = lab.OpenLeft("", HostBridge.Options);
        using NetmapPort host = lab.OpenLeft("^", HostBridge.Options);
        string words;
        // A frame is counted a moment after it was handed over: by the end of the bridge all are.
        using (new HostBridge(nic, host))
        {
            words = fromTheHost
                ? Peer.Run(lab.Left, "ping", "-f", "-q", "-c", "5000", "10.9.0.2")
                : Peer.Run(lab.Right, "ping", "-f", "-q", "-c", "5000", "10.9.0.1");
        }
        Assert.Contains("5000 packets transmitted, 5000 received", words);
        Assert.InRange(host.GetStatistics().HostRx[0].Packets, 5000, 5100);
        Assert.InRange(host.GetStatistics().HostTx[0].Packets, 5000, 5100);
    }

    /// <summary>Both directions: super-frames of the host are cut, those of its peer arrive whole and go up as one.</summary>
    [Theory]
    [InlineData("native", false, false)]
    [InlineData("native", true, false)]
    [InlineData("generic", false, false)]
    [InlineData("generic", true, false)]
    [InlineData("generic", false, true)]
    public void TcpRunsThroughIt(string adapter, bool reverse, bool ipv6)
    {
        Privileges.RequireBpf();
        Peer.Require("iperf3", "iperf3");
        using VethLab lab = Lab(adapter);
        if (ipv6)
            WithIpv6(lab);
        using NetmapPort nic = lab.OpenLeft("", HostBridge.Options);
        using NetmapPort host = lab.OpenLeft("^", HostBridge.Options);
        using HostBridge bridge = new(nic, host);
        string to = ipv6 ? "fd00:9::2" : "10.9.0.2";
        using Peer server = Peer.Start(lab.Right, "iperf3", "-s", "-1");
        WaitForListener(lab);
        string[] arguments = ["-c", to, "-t", "2", "-J", "--connect-timeout", "5000", .. reverse ? (string[])["-R"] : []];
        string report = Peer.Run(lab.Left, "iperf3", arguments);
        double rate = JsonDocument.Parse(report).RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble();
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"{adapter} {to} reverse {reverse}: {rate / 1e9:f2} Gbit/s"));
        // A bridge that breaks offloads gets a few Mbit/s out of retransmissions.
        Assert.True(rate > 50e6, report);
        PortStatistics statistics = host.GetStatistics();
        Assert.True(reverse || statistics.HostRx[0].Segmented > 0, "no super-frame came: the test tests nothing");
        // With an XDP program at its other end a veth device gets no super-frames to send.
        Assert.True(!reverse || adapter == "native" || statistics.Rx[0].Scattered > 0, "no super-frame came: the test tests nothing");
        Assert.DoesNotContain(statistics.HostTx[0].Drops.Keys, reason => reason != DropReason.NoBuffers);
    }

    [Fact]
    public void WhenItEndsTheHostHasItsInterfaceBack()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new VethLab().WithAddresses();
        using (NetmapPort nic = lab.OpenLeft("", HostBridge.Options))
        using (NetmapPort host = lab.OpenLeft("^", HostBridge.Options))
        using (HostBridge bridge = new(nic, host))
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "1", "-W", "5", "10.9.0.2"));
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "1", "-W", "5", "10.9.0.2"));
    }

    internal static VethLab Lab(string adapter, LinkOptions? link = null)
    {
        VethLab lab = new(link, engine: new NetmapEngineOptions { AdapterMode = adapter == "native" ? AdapterMode.Native : AdapterMode.Generic });
        return lab.WithAddresses();
    }

    private static void WithIpv6(VethLab lab)
    {
        foreach ((NetworkNamespace space, string link, string address) in
            new[] { (lab.Left, "v0", "fd00:9::1/64"), (lab.Right, "v1", "fd00:9::2/64") })
        {
            space.Run(() => File.WriteAllText($"/proc/sys/net/ipv6/conf/{link}/disable_ipv6", "0"));
            Peer.Require("ip", "iproute2");
            Assert.Empty(Peer.Run(space, "ip", "addr", "add", address, "dev", link, "nodad"));
        }
    }

    internal static void WaitForListener(VethLab lab)
    {
        for (int i = 0; i < 500; i++)
        {
            // State 0A is LISTEN, 1451 is 5201.
            if (lab.Right.Run(() => File.ReadAllText("/proc/thread-self/net/tcp6") + File.ReadAllText("/proc/thread-self/net/tcp")).Contains(":1451 "))
                return;
            Thread.Sleep(10);
        }
        Assert.Fail("iperf3 does not listen");
    }
}
