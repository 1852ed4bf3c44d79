using System.Net.Sockets;
using System.Text.Json;
using Netmap.Tests.Netns.Host;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>
/// Host rings where the XDP program runs behind the driver: what turns round to the host meets the program once more, and must
/// pass it as if it were not there.
/// </summary>
public sealed class NativeSkbHostTests
{
    public NativeSkbHostTests() => Privileges.RequireBpf();

    [Theory]
    [InlineData(NativeGear.Auto)]
    [InlineData(NativeGear.Plain)]
    public void FramesForTheHostReachItAndNotOurOwnRings(NativeGear gear)
    {
        using VethLab lab = NativeLab.CreateMacvlan(NativeLab.Options with { NativeGear = gear });
        using Socket socket = lab.Left.Run(() => KernelHostTests.Bound(9999));
        // Host rings first, NIC rings later: the way to the host changes while it is open.
        using NetmapPort host = NativeLab.OpenMacvlan(lab, "^");
        using NetmapPort nic = NativeLab.OpenMacvlan(lab);
        Assert.Contains("XDP program behind the driver", nic.Info.Mode);
        byte[] datagram = KernelHostTests.Datagram([5, 6, 7]);
        for (int i = 0; i < 600; i++)
            Assert.True(host.TxRings[0].TrySend(datagram));
        host.TxSync();
        byte[] buffer = new byte[100];
        for (int i = 0; i < 600; i++)
        {
            Assert.True(socket.Poll(VethLab.Soon, SelectMode.SelectRead), $"datagram {i}");
            Assert.Equal(3, socket.Receive(buffer));
            Assert.Equal([5, 6, 7], buffer[..3]);
        }
        nic.RxSync();
        Assert.Equal(0, nic.RxRings[0].Available);
        Assert.Empty(host.GetStatistics().Drops);
    }

    /// <summary>In the plain gear the program comes with the first NIC receive ring, while frames turn round.</summary>
    [Fact]
    public void NoFrameForTheHostComesToARingThatIsBeingOpened()
    {
        using VethLab lab = NativeLab.CreateMacvlan(NativeLab.Options with { NativeGear = NativeGear.Plain });
        byte[] datagram = KernelHostTests.Datagram([5, 6, 7]);
        for (int opening = 0; opening < 5; opening++)
        {
            using NetmapPort host = NativeLab.OpenMacvlan(lab, "^");
            bool open = false;
            Thread sender = new(() =>
            {
                while (!Volatile.Read(ref open))
                {
                    host.TxRings[0].TrySend(datagram);
                    host.TxSync();
                }
            });
            sender.Start();
            using NetmapPort nic = NativeLab.OpenMacvlan(lab, "/R");
            Volatile.Write(ref open, true);
            sender.Join();
            Assert.Contains("XDP program behind the driver", nic.Info.Mode);
            nic.RxSync();
            Assert.Equal(0, nic.RxRings[0].Available);
            Assert.True(host.GetStatistics().HostTx[0].Packets > 0);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFloodOfPingsThroughABridgeLosesNone(bool fromTheHost)
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetmapPort nic = NativeLab.OpenMacvlan(lab, "", HostBridge.Options);
        using NetmapPort host = NativeLab.OpenMacvlan(lab, "^", HostBridge.Options);
        string words;
        // A frame is counted a moment after it was handed over: by the end of the bridge all are.
        using (new HostBridge(nic, host))
        {
            words = fromTheHost
                ? Peer.Run(lab.Left, "ping", "-f", "-q", "-c", "2000", "10.9.0.2")
                : Peer.Run(lab.Right, "ping", "-f", "-q", "-c", "2000", "10.9.0.1");
        }
        Assert.Contains("2000 packets transmitted, 2000 received", words);
        Assert.InRange(host.GetStatistics().HostTx[0].Packets, 2000, 2100);
    }

    /// <summary>The peer's super-frames go up to the host as such.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TcpRunsThroughABridge(bool reverse)
    {
        Peer.Require("iperf3", "iperf3");
        using VethLab lab = NativeLab.CreateMacvlan();
        using NetmapPort nic = NativeLab.OpenMacvlan(lab, "", HostBridge.Options);
        using NetmapPort host = NativeLab.OpenMacvlan(lab, "^", HostBridge.Options);
        using HostBridge bridge = new(nic, host);
        using Peer server = Peer.Start(lab.Right, "iperf3", "-s", "-1");
        HostBridgeTests.WaitForListener(lab);
        string report = Peer.Run(lab.Left, "iperf3", ["-c", "10.9.0.2", "-t", "2", "-J", "--connect-timeout", "5000", .. reverse ? (string[])["-R"] : []]);
        double rate = JsonDocument.Parse(report).RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble();
        // A bridge that breaks offloads gets a few Mbit/s out of retransmissions.
        Assert.True(rate > 50e6, report);
        Assert.DoesNotContain(host.GetStatistics().HostTx[0].Drops.Keys, reason => reason != DropReason.NoBuffers);
    }
}
