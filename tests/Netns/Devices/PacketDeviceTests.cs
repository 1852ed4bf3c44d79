using System.Net;
using System.Net.Sockets;
using Netmap.Links;
using PacketDotNet;
using ProtocolType = System.Net.Sockets.ProtocolType;

namespace Netmap.Tests.Netns.Devices;

/// <summary>What offloading does to frames before a packet socket sees them, and the sizes of frames and rings.</summary>
public sealed class PacketDeviceTests
{
    [Fact]
    public void StrippedVlanTagsArePutBack()
    {
        using VethLab lab = new();
        using NetmapPort tx = lab.OpenRight();
        using NetmapPort rx = lab.OpenLeft();
        byte[] tagged = TestFrame.Numbered(5, 100);
        new byte[] { 0x81, 0x00, 0x60, 0x2a, 0x88, 0xb5 }.CopyTo(tagged, 12);
        tx.TxRings[0].TrySend(tagged);
        tx.TxSync();
        Assert.Equal(tagged, One(rx));
        Assert.Equal(1, rx.GetStatistics().Rx[0].VlanTagsRestored);
    }

    [Theory]
    [InlineData(33)]
    [InlineData(1400)]
    public void ChecksumsLeftToHardwareAreCompleted(int payload)
    {
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort rx = lab.OpenLeft();
        SendUdp(lab, new byte[payload], segment: 0);
        EthernetPacket frame = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, One(rx));
        Assert.Equal(payload, frame.Extract<UdpPacket>().PayloadData.Length);
        Assert.True(frame.Extract<UdpPacket>().ValidUdpChecksum);
        Assert.Equal(1, rx.GetStatistics().Rx[0].ChecksumsCompleted);
    }

    [Fact]
    public void SuperFramesAreScatteredWhole()
    {
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort rx = lab.OpenLeft();
        byte[] payload = new byte[42000];
        new Random(3).NextBytes(payload);
        SendUdp(lab, payload, segment: 1400);
        byte[] frame = One(rx);
        Assert.Equal(42 + payload.Length, frame.Length);
        Assert.Equal(payload, frame[42..]);
        Assert.Equal(1, rx.GetStatistics().Rx[0].Scattered);
        Assert.Empty(rx.GetStatistics().Drops);
    }

    [Fact]
    public void JumboFramesFitLargeBuffersBothWays()
    {
        using VethLab lab = new(new LinkOptions { Mtu = 9000 }, engine: new NetmapEngineOptions { BufferSize = 9216, BufferCount = 8192 });
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        byte[] jumbo = TestFrame.Numbered(1, 9014);
        left.TxRings[0].TrySend(jumbo);
        left.TxSync();
        Assert.Equal(jumbo, One(right));
        right.TxRings[0].TrySend(jumbo);
        right.TxRings[0].TrySend(TestFrame.Numbered(2, 9100));
        right.TxSync();
        Assert.Equal(jumbo, One(left));
        Assert.Equal(1, right.GetStatistics().Drops[DropReason.ExceedsMtu]);
    }

    [Fact]
    public void SeveralQueuesGiveSeveralRingsAndLoseNothing()
    {
        using VethLab lab = new(new LinkOptions { Queues = 3 });
        using NetmapPort tx = lab.OpenRight();
        using NetmapPort rx = lab.OpenLeft();
        Assert.Equal((3, 3), (rx.RxRings.Count, tx.TxRings.Count));
        HashSet<int> seen = [];
        for (int i = 0; i < 300; i++)
            tx.TxRings[i % 3].TrySend(TestFrame.Numbered(i, 60));
        tx.TxSync();
        while (seen.Count < 300)
        {
            Assert.Equal(PollEvents.Receive, rx.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxRing ring in rx.RxRings)
            {
                foreach (RxFrame frame in ring)
                    Assert.True(seen.Add(System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(frame.Data[14..])));
            }
        }
        Assert.Equal(Enumerable.Range(0, 300), seen.Order());
    }

    /// <summary>Both ways to send: the second engine finds the queue's XDP socket taken.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FramesSentWithoutCarrierAreCounted(bool second)
    {
        using VethLab lab = new();
        using NetmapPort first = lab.OpenLeft("/T");
        using NetmapEngine other = new();
        using NetmapPort port = second ? lab.Left.Run(() => NetmapPort.Open("netmap:v0/T", engine: other)) : lab.OpenLeft("/T");
        Assert.Contains(second ? "packet sockets (XDP sockets refused: EBUSY)" : "XDP sockets (copy mode)", port.Info.Mode);
        long before = lab.Right.GetCounters("v1").RxPackets;
        Send(port, 7);
        Assert.Equal(before + 7, lab.Right.GetCounters("v1").RxPackets);
        lab.Right.SetUp("v1", false);
        Send(port, 5);
        Assert.Equal(5, port.GetStatistics().Drops[DropReason.LinkDown]);
        Assert.Equal((7, 420), (port.GetStatistics().Tx[0].Packets, port.GetStatistics().Tx[0].Bytes));
        Assert.Equal(1023, port.TxRings[0].Space);
        lab.Right.SetUp("v1");
        Send(port, 3);
        Assert.Equal(10, port.GetStatistics().Tx[0].Packets);
    }

    /// <summary>Frames of rings that nobody has open go on to the host (spec 5.4).</summary>
    [Fact]
    public void FramesOfClosedRingsReachTheHost()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab(new LinkOptions { Queues = 2 }).WithAddresses();
        using Socket host = lab.Left.Run(() =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 2000 };
            socket.Bind(new IPEndPoint(IPAddress.Any, 9999));
            return socket;
        });
        byte[] buffer = new byte[100];
        int taken = 0;
        int seen = 0;
        foreach (string ring in (string[])["-0", "-1"])
        {
            using NetmapPort port = lab.OpenLeft(ring + "/R");
            SendUdp(lab, [1, 2, 3], segment: 0);
            bool atHost = host.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectRead);
            if (atHost)
                seen += host.Receive(buffer) == 3 ? 1 : 0;
            port.RxSync();
            taken += port.RxRings[0].Available;
            // Either we took it or the host got it, never both, never neither.
            Assert.Equal(atHost ? 0 : 1, port.RxRings[0].Available);
        }
        Assert.Equal((1, 1), (taken, seen));
    }

    private static void Send(NetmapPort port, int frames)
    {
        for (int i = 0; i < frames; i++)
            port.TxRings[0].TrySend(TestFrame.Numbered(i, 60));
        port.TxSync();
    }

    private static byte[] One(NetmapPort port)
    {
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
        foreach (RxFrame frame in port.RxRings[0])
        {
            byte[] copy = new byte[frame.Length];
            frame.CopyTo(copy);
            return copy;
        }
        throw new InvalidOperationException("ready without a frame");
    }

    /// <summary>A datagram from the right host's own socket; with a segment size it leaves as one super-frame (UDP_SEGMENT).</summary>
    private static void SendUdp(VethLab lab, byte[] payload, short segment) => lab.Right.Run(() =>
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        if (segment > 0)
            socket.SetRawSocketOption(17, 103, BitConverter.GetBytes((int)segment));
        socket.SendTo(payload, new IPEndPoint(IPAddress.Parse("10.9.0.1"), 9999));
    });
}
