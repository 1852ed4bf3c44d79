using System.Net;
using System.Net.Sockets;
using Netmap.Bpf;
using Netmap.Interop;
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

    /// <summary>The host's own frames are no received ones, with one socket or a fanout group of them.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void WhatTheHostSendsIsNotReceived(int queues)
    {
        using VethLab lab = new VethLab(new LinkOptions { Queues = queues }).WithAddresses();
        using NetmapPort port = lab.OpenLeft();
        SendUdp(lab.Left, "10.9.0.2", [1, 2, 3], segment: 0);
        SendUdp(lab.Right, "10.9.0.1", [1, 2, 3, 4], segment: 0);
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
        port.RxSync();
        List<int> lengths = [];
        foreach (RxRing ring in port.RxRings)
        {
            foreach (RxFrame frame in ring)
                lengths.Add(frame.Length);
        }
        // The right host answers the first with an ICMP error, which is longer.
        Assert.DoesNotContain(45, lengths);
        Assert.Contains(46, lengths);
    }

    [Fact]
    public void BurstsOfSuperFramesAreKept()
    {
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort rx = lab.OpenLeft();
        for (int i = 0; i < 20; i++)
            SendUdp(lab, new byte[42000], segment: 1400);
        int seen = 0;
        while (seen < 20)
        {
            Assert.Equal(PollEvents.Receive, rx.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxFrame frame in rx.RxRings[0])
                seen += frame.Length == 42042 ? 1 : 0;
        }
        Assert.Empty(rx.GetStatistics().Drops);
    }

    /// <summary>The kernel keeps super-frames beside the ring: a pending error of the socket must not put the two out of step.</summary>
    [Fact]
    public void SuperFramesStayInStepOverALinkThatWasDown()
    {
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort rx = lab.OpenLeft();
        SendUdp(lab, new byte[14000], segment: 1400);
        lab.Left.SetUp("v0", false);
        lab.Left.SetUp("v0");
        lab.Left.AddNeighbor("v0", "10.9.0.2", VethLab.RightMac);
        Assert.Equal(14042, One(rx).Length);
        SendUdp(lab, new byte[28000], segment: 1400);
        Assert.Equal(28042, One(rx).Length);
        Assert.Empty(rx.GetStatistics().Drops);
    }

    /// <summary>A program of somebody else's that passes every frame to the host runs behind ours.</summary>
    [Fact]
    public void FramesAreTakenBeforeOtherProgramsPassThem()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        bpf_insn[] pass = new BpfAssembler().Move(BpfRegister.R0, 0).Exit().Instructions;
        using BpfLink? other = lab.Left.Run(() =>
        {
            using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, pass, out _);
            using SafeDescriptor control = InterfaceQuery.OpenSocket();
            return BpfLink.TryAttach(LinuxBpf.BPF_TCX_INGRESS, InterfaceQuery.Index(control.Fd, "v0").Int32, program!, out _);
        });
        Assert.NotNull(other);
        using Socket host = lab.Left.Run(() =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, 9999));
            return socket;
        });
        using NetmapPort port = lab.OpenLeft();
        SendUdp(lab, [1, 2, 3], segment: 0);
        Assert.Equal(45, One(port).Length);
        Assert.False(host.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead));
    }

    [Fact]
    public void AnMtuRaisedLaterCounts()
    {
        using VethLab lab = new();
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        lab.Left.SetMtu("v0", 1900);
        lab.Right.SetMtu("v1", 1900);
        left.TxRings[0].TrySend(TestFrame.Numbered(1, 1800));
        left.TxSync();
        Assert.Equal(1800, One(right).Length);
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
    private static void SendUdp(VethLab lab, byte[] payload, short segment) => SendUdp(lab.Right, "10.9.0.1", payload, segment);

    private static void SendUdp(NetworkNamespace from, string to, byte[] payload, short segment) => from.Run(() =>
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        if (segment > 0)
            socket.SetRawSocketOption(17, 103, BitConverter.GetBytes((int)segment));
        socket.SendTo(payload, new IPEndPoint(IPAddress.Parse(to), 9999));
    });
}
