using System.Net;
using System.Net.Sockets;
using Netmap.Links;
using Netmap.Tests.Netns.Filters;
using Netmap.Tests.Netns.Native;
using Netmap.Tests.Netns.Peers;
using PacketDotNet;

namespace Netmap.Tests.Netns.Host;

/// <summary>
/// What the host sends through a tunnel: the checksum behind the tunnel's headers is left to hardware, and a look at the
/// frame does not tell where it is.
/// </summary>
public sealed class TunnelTests
{
    private const int Segment = 1300;

    public TunnelTests() => Privileges.RequireBpf();

    [Theory]
    [InlineData(AdapterMode.Generic, 4789, false)]
    [InlineData(AdapterMode.Generic, 5555, true)]
    [InlineData(AdapterMode.Native, 4789, true)]
    [InlineData(AdapterMode.Native, 5555, false)]
    public void AnInnerChecksumIsCompletedInTheHostRing(AdapterMode mode, int port, bool outerChecksum)
    {
        using VethLab lab = TunnelLab.Create(mode, port, outerChecksum);
        using NetmapPort host = lab.OpenLeft("*");
        byte[] data = KernelHostTests.Data(33);
        KernelHostTests.SendUdp(lab.Left, "10.7.0.2", data);
        byte[] frame = Assert.Single(KernelHostTests.Receive(host, 1));
        Assert.Equal(data, TunnelLab.Carried(frame).Extract<UdpPacket>().PayloadData);
        UdpPacket carrier = TunnelLab.Carrier(frame);
        Assert.Equal((port, outerChecksum), (carrier.DestinationPort, carrier.Checksum != 0));
        Assert.True(!outerChecksum || carrier.ValidUdpChecksum, "outer checksum");
        Assert.Equal(1, host.GetStatistics().HostRx[0].ChecksumsCompleted);
    }

    [Theory]
    [InlineData(AdapterMode.Generic, false)]
    [InlineData(AdapterMode.Generic, true)]
    [InlineData(AdapterMode.Native, true)]
    public void ASuperFrameInATunnelIsCutAsTheWireWouldHaveIt(AdapterMode mode, bool outerChecksum)
    {
        using VethLab lab = TunnelLab.Create(mode, outerChecksum: outerChecksum);
        using NetmapPort host = lab.OpenLeft("*");
        byte[] data = KernelHostTests.Data((20 * Segment) + 1);
        KernelHostTests.SendUdp(lab.Left, "10.7.0.2", data, segment: Segment);
        List<byte[]> frames = KernelHostTests.Receive(host, 21);
        UdpPacket[] datagrams = [.. frames.Select(frame => TunnelLab.Carried(frame).Extract<UdpPacket>())];
        Assert.Equal([.. Enumerable.Repeat(Segment, 20), 1], datagrams.Select(datagram => datagram.PayloadData.Length));
        Assert.Equal(data, datagrams.SelectMany(datagram => datagram.PayloadData));
        UdpPacket[] carriers = [.. frames.Select(TunnelLab.Carrier)];
        Assert.All(carriers, carrier => Assert.True(outerChecksum ? carrier.ValidUdpChecksum : carrier.Checksum == 0, "outer checksum"));
        Assert.Equal((1, 21), (host.GetStatistics().HostRx[0].Segmented, host.GetStatistics().HostRx[0].Packets));
        Assert.Empty(host.GetStatistics().Drops);
    }

    /// <summary>
    /// UDP and TCP through the tunnel, by a bridge between interface and host. Both kernels look at every checksum: what comes
    /// to the right one from XDP sockets is not known to be right, nor what comes to the left one from the bridge.
    /// </summary>
    [Theory]
    [InlineData(AdapterMode.Generic, false)]
    [InlineData(AdapterMode.Generic, true)]
    [InlineData(AdapterMode.Native, false)]
    [InlineData(AdapterMode.Native, true)]
    public void ConversationsRunThroughABridge(AdapterMode mode, bool outerChecksum)
    {
        using VethLab lab = TunnelLab.Create(mode, outerChecksum: outerChecksum);
        Peer.Require("ethtool", "ethtool");
        // Super-frames in tunnels are not given to the host; with an XDP program at its other end veth gets none.
        if (mode == AdapterMode.Generic)
            Peer.Run(lab.Right, "ethtool", "-K", "x1", "tso", "off");
        using NetmapPort nic = lab.OpenLeft("", HostBridge.Options);
        using NetmapPort host = lab.OpenLeft("^", HostBridge.Options);
        using (HostBridge bridge = new(nic, host))
        {
            AskAndAnswer(lab);
            using TcpConversation talk = new(lab.Left, lab.Right, "10.7.0.2", 2222);
            talk.Type((byte)'x');
            talk.Exchange(4 << 20);
        }
        RingStatistics sent = host.GetStatistics().HostRx[0];
        Assert.True(sent.Segmented > 0, "no super-frame came: the test tests nothing");
        Assert.DoesNotContain(DropReason.UnknownOffload, sent.Drops.Keys);
        Assert.Equal((0, 0), (ChecksumErrors(lab.Left), ChecksumErrors(lab.Right)));
    }

    /// <summary>The same the other way: a host behind a veth leaves it out, and an XDP program gets no word of it.</summary>
    [Theory]
    [InlineData(AdapterMode.Generic, 5555, false, NativeGear.Auto)]
    [InlineData(AdapterMode.Native, 4789, false, NativeGear.Plain)]
    [InlineData(AdapterMode.Native, 4789, true, NativeGear.Auto)]
    public void AnInnerChecksumOfASenderOnThisMachineIsCompleted(AdapterMode mode, int port, bool outerChecksum, NativeGear gear)
    {
        using VethLab lab = TunnelLab.Create(mode, port, outerChecksum, gear);
        using NetmapPort nic = lab.OpenLeft();
        byte[] data = KernelHostTests.Data(33);
        KernelHostTests.SendUdp(lab.Right, "10.7.0.1", data);
        byte[] frame = NativeLab.One(nic);
        Assert.Equal(data, TunnelLab.Carried(frame).Extract<UdpPacket>().PayloadData);
        Assert.True(!outerChecksum || TunnelLab.Carrier(frame).ValidUdpChecksum, "outer checksum");
        Assert.Equal(1, nic.GetStatistics().Rx[0].ChecksumsCompleted);
    }

    /// <summary>A datagram each way.</summary>
    private static void AskAndAnswer(VethLab lab)
    {
        using Socket asking = lab.Left.Run(() => KernelHostTests.Bound(9998));
        using Socket answering = lab.Right.Run(() => KernelHostTests.Bound(9999));
        byte[] data = KernelHostTests.Data(777);
        byte[] found = new byte[1000];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        asking.SendTo(data, new IPEndPoint(IPAddress.Parse("10.7.0.2"), 9999));
        Assert.True(answering.Poll(VethLab.Soon, SelectMode.SelectRead), "the question does not arrive");
        Assert.Equal(data.Length, answering.ReceiveFrom(found, ref from));
        Assert.Equal(data, found[..data.Length]);
        answering.SendTo(data, from);
        Assert.True(asking.Poll(VethLab.Soon, SelectMode.SelectRead), "the answer does not arrive");
        Assert.Equal(data.Length, asking.Receive(found));
    }

    /// <summary>Segments and datagrams that the stack has found wrong: InCsumErrors.</summary>
    private static long ChecksumErrors(NetworkNamespace space)
    {
        string[] lines = space.Run(() => File.ReadAllLines("/proc/thread-self/net/snmp"));
        return new[] { "Tcp: ", "Udp: " }.Sum(protocol =>
        {
            string[][] two = [.. lines.Where(line => line.StartsWith(protocol, StringComparison.Ordinal)).Select(line => line.Split(' '))];
            return long.Parse(two[1][Array.IndexOf(two[0], "InCsumErrors")], System.Globalization.CultureInfo.InvariantCulture);
        });
    }
}
