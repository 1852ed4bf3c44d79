using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Host;

/// <summary><c>netmap bridge</c> between an interface and its host, as a process of its own, which may die.</summary>
public sealed class ToolBridgeTests
{
    [Fact]
    public void TcpRunsThroughTheToolAndAKillGivesTheHostItsInterfaceBack()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        Peer.Require("iperf3", "iperf3");
        using VethLab lab = new VethLab().WithAddresses();
        using Peer server = Peer.Start(lab.Right, "iperf3", "-s");
        using Peer bridge = StartBridge(lab);
        Assert.Contains("1000 packets transmitted, 1000 received", Peer.Run(lab.Left, "ping", "-f", "-q", "-c", "1000", "10.9.0.2"));
        Assert.True(Rate(Peer.Run(lab.Left, "iperf3", "-c", "10.9.0.2", "-t", "2", "-J", "--connect-timeout", "5000")) > 50e6);
        bridge.Kill();
        bridge.Finish();
        Stopwatch clock = Stopwatch.StartNew();
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "1", "-W", "5", "10.9.0.2"));
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"host back {clock.Elapsed.TotalMilliseconds:f0} ms after the end of the process, the start of ping included"));
    }

    /// <summary>At whatever moment: what was on the way may be lost, what comes then goes through.</summary>
    [Fact]
    public void KilledUnderLoadTheHostIsBackEachTime()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new VethLab().WithAddresses();
        for (int i = 0; i < 3; i++)
        {
            using Peer bridge = StartBridge(lab);
            using Peer load = Peer.Start(lab.Right, "ping", "-f", "-q", "-c", "100000", "10.9.0.1");
            Thread.Sleep(50 + Random.Shared.Next(200));
            bridge.Kill();
            bridge.Finish();
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "1", "-W", "5", "10.9.0.2"));
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "1", "-W", "5", "10.9.0.1"));
            load.Kill();
        }
    }

    /// <summary>
    /// Without the right to see what the host leaves to hardware, and where a tunnel's headers end, it looks at the frames, and
    /// says so.
    /// </summary>
    [Theory]
    [InlineData("10.9.0.2")]
    [InlineData("10.7.0.2")]
    public void WithoutTheRightToSeeWhereChecksumsAreMissingItLooksAndSaysSo(string to)
    {
        Privileges.RequireBpf();
        Peer.Require("setpriv", "util-linux");
        using VethLab lab = TunnelLab.Create(AdapterMode.Generic);
        using Socket socket = lab.Right.Run(() => KernelHostTests.Bound(9999));
        using Peer bridge = StartBridge(lab, "setpriv", "--bounding-set=-perfmon,-sys_admin", "--inh-caps=-all");
        byte[] found = new byte[2000];
        foreach (int segment in (int[])[0, 1300])
        {
            byte[] data = KernelHostTests.Data(segment == 0 ? 1000 : 2500);
            KernelHostTests.SendUdp(lab.Left, to, data, segment);
            foreach (byte[] part in data.Chunk(1300))
            {
                Assert.True(socket.Poll(VethLab.Soon, SelectMode.SelectRead), $"segment {segment}");
                Assert.Equal(part, found[..socket.Receive(found)]);
            }
        }
        Peer.Run(lab.Left, "kill", "-TERM", bridge.Id.ToString(CultureInfo.InvariantCulture));
        Assert.Contains("tunnels that the host sends through are known by their usual ports only (no CAP_PERFMON)", bridge.Finish());
    }

    /// <summary>Starts it, and waits until its programs are attached.</summary>
    /// <param name="lab">Where.</param>
    /// <param name="by">What to start it with, if anything.</param>
    private static Peer StartBridge(VethLab lab, params string[] by)
    {
        string[] words = [.. by, "dotnet", Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll"), "bridge", "netmap:v0", "netmap:v0^", "-w", "0"];
        Peer bridge = Peer.Start(lab.Left, words[0], words[1..]);
        for (int i = 0; i < 1000 && Links(bridge.Id) < 2; i++)
            Thread.Sleep(20);
        Assert.True(Links(bridge.Id) >= 2, "the bridge did not start");
        return bridge;
    }

    private static int Links(int process) => Directory.GetFiles($"/proc/{process}/fd")
        .Count(path => new FileInfo(path).LinkTarget?.Contains("bpf_link", StringComparison.Ordinal) == true);

    private static double Rate(string report) => JsonDocument.Parse(report).RootElement
        .GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble();
}
