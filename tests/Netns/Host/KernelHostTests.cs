using System.Net;
using System.Net.Sockets;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;
using PacketDotNet;
using ProtocolType = System.Net.Sockets.ProtocolType;

namespace Netmap.Tests.Netns.Host;

/// <summary>Host rings of a real interface and the kernel's real stack behind it (spec 6).</summary>
public sealed class KernelHostTests
{
    [Theory]
    [InlineData(33)]
    [InlineData(1400)]
    public void WhatTheHostSendsArrivesInItsRingWithItsChecksumComplete(int payload)
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort port = lab.OpenLeft("*");
        long before = lab.Right.GetCounters("v1").RxPackets;
        byte[] data = Data(payload);
        SendUdp(lab.Left, "10.9.0.2", data);
        EthernetPacket frame = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, Assert.Single(Receive(port, 1)));
        Assert.Equal(data, frame.Extract<UdpPacket>().PayloadData);
        Assert.True(frame.Extract<UdpPacket>().ValidUdpChecksum);
        Assert.Equal(1, port.GetStatistics().HostRx[0].ChecksumsCompleted);
        Assert.Equal(before, lab.Right.GetCounters("v1").RxPackets);
    }

    [Fact]
    public void SuperFramesOfTheHostAreCutAsTheWireWouldHaveThem()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort port = lab.OpenLeft("*");
        byte[] data = Data(42001);
        SendUdp(lab.Left, "10.9.0.2", data, segment: 1400);
        List<byte[]> frames = Receive(port, 31);
        UdpPacket[] datagrams = [.. frames.Select(frame => Packet.ParsePacket(LinkLayers.Ethernet, frame).Extract<UdpPacket>())];
        Assert.All(datagrams, datagram => Assert.True(datagram.ValidUdpChecksum));
        Assert.All(frames, frame => Assert.True(Packet.ParsePacket(LinkLayers.Ethernet, frame).Extract<IPv4Packet>().ValidIPChecksum));
        Assert.Equal(data, datagrams.SelectMany(datagram => datagram.PayloadData));
        Assert.Equal([.. Enumerable.Repeat(1400, 30), 1], datagrams.Select(datagram => datagram.PayloadData.Length));
        Assert.Equal((1, 31), (port.GetStatistics().HostRx[0].Segmented, port.GetStatistics().HostRx[0].Packets));
        Assert.Empty(port.GetStatistics().Drops);
    }

    [Fact]
    public void FramesPutInTheHostRingReachItsSocketsAndNotOurOwnRings()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using Socket socket = lab.Left.Run(() => Bound(9999));
        byte[] frame = Datagram([5, 6, 7]);
        using NetmapPort port = lab.OpenLeft("*");
        for (int i = 0; i < 600; i++)
            Assert.True(port.HostTxRings[0].TrySend(frame));
        port.TxSync();
        Assert.Equal(1023, port.HostTxRings[0].Space);
        byte[] buffer = new byte[100];
        for (int i = 0; i < 600; i++)
        {
            Assert.True(socket.Poll(VethLab.Soon, SelectMode.SelectRead), $"datagram {i}");
            Assert.Equal(3, socket.Receive(buffer));
            Assert.Equal([5, 6, 7], buffer[..3]);
        }
        port.RxSync();
        Assert.Equal(0, port.RxRings[0].Available);
        Assert.Equal((600, 600L * frame.Length), (port.GetStatistics().HostTx[0].Packets, port.GetStatistics().HostTx[0].Bytes));
    }

    /// <summary>Firewalls and routing go by marks: ours must be gone when they look.</summary>
    [Fact]
    public void TheHostSeesNoMarkOnThem()
    {
        Privileges.RequireBpf();
        Peer.Require("ip", "iproute2");
        using VethLab lab = new VethLab().WithAddresses();
        // What carries any mark at all goes nowhere.
        Assert.Empty(Peer.Run(lab.Left, "ip", "rule", "add", "not", "fwmark", "0", "blackhole"));
        using Socket socket = lab.Left.Run(() => Bound(9999));
        byte[] frame = Datagram([1]);
        using NetmapPort port = lab.OpenLeft("^");
        port.TxRings[0].TrySend(frame);
        port.TxSync();
        Assert.True(socket.Poll(VethLab.Soon, SelectMode.SelectRead));
    }

    [Fact]
    public void TheHostRingsAloneTakeNothingAndGive()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort port = lab.OpenLeft("^");
        Assert.False(port.Info.InterceptsHost);
        Assert.False(port.Info.TakesFromHost && port.RxRings[0].Available > 0);
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "3", "-i", "0.1", "-W", "5", "10.9.0.2"));
        port.RxSync();
        Assert.Equal(0, port.RxRings[0].Available);
    }

    [Fact]
    public void WithTheNicOpenAndNobodyAtTheHostRingTheHostIsCutOffAndItsFramesCounted()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using (NetmapPort port = lab.OpenLeft())
        {
            Assert.True(port.Info.InterceptsHost);
            long before = lab.Right.GetCounters("v1").RxPackets;
            for (int i = 0; i < 5; i++)
                SendUdp(lab.Left, "10.9.0.2", Data(10));
            Assert.Equal(5, port.GetStatistics().HostRx[0].Drops[DropReason.NobodyReceives]);
            Assert.Equal(before, lab.Right.GetCounters("v1").RxPackets);
        }
        using (NetmapPort receiveOnly = lab.OpenLeft("/R"))
        {
            Assert.False(receiveOnly.Info.InterceptsHost);
            long before = lab.Right.GetCounters("v1").RxPackets;
            SendUdp(lab.Left, "10.9.0.2", Data(10));
            Assert.Equal(before + 1, lab.Right.GetCounters("v1").RxPackets);
        }
    }

    [Theory]
    [InlineData(AdapterMode.Generic)]
    [InlineData(AdapterMode.Native)]
    public void APortWithoutRingsTakesNothingFromTheHost(AdapterMode mode)
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = Native.NativeLab.Create(engine: Native.NativeLab.Options with { AdapterMode = mode }).WithAddresses();
        using NetmapPort port = lab.OpenLeft("", new NetmapPortOptions { ReceiveOnly = true, TransmitOnly = true });
        Assert.Equal((0, 0, false), (port.TxRings.Count, port.RxRings.Count, port.Info.InterceptsHost));
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "3", "-i", "0.1", "-W", "5", "10.9.0.2"));
    }

    [Fact]
    public void AReaderTooSlowIsCountedAndWhatFitsArrives()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort port = lab.OpenLeft("*");
        const int Sent = 6000;
        lab.Left.Run(() =>
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(IPAddress.Parse("10.9.0.2"), 9999);
            byte[] data = Data(1000);
            for (int i = 0; i < Sent; i++)
                socket.Send(data, SocketFlags.None, out _);
        });
        int received = 0;
        while (port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(50)) == PollEvents.Receive)
        {
            foreach (RxFrame frame in port.HostRxRings[0])
                received += frame.Length == 1042 ? 1 : 0;
        }
        long lost = port.GetStatistics().HostRx[0].Drops[DropReason.HostRingFull];
        Assert.InRange(received, 1000, Sent - 1);
        Assert.Equal(Sent, received + lost);
    }

    [Fact]
    public void AFrameLongerThanTheMtuIsCountedNotInjected()
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft("^");
        port.TxRings[0].TrySend(TestFrame.Numbered(1, 1600));
        port.TxRings[0].TrySend(TestFrame.Numbered(2, 1514));
        port.TxSync();
        RingStatistics ring = port.GetStatistics().HostTx[0];
        Assert.Equal((1, 1), (ring.Packets, ring.Drops[DropReason.ExceedsMtu]));
    }

    [Fact]
    public void SeveralHostRingsShareWhatTheHostSendsAFlowToEach()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab(new LinkOptions { Queues = 4 }).WithAddresses();
        using NetmapPort port = lab.OpenLeft("*", new NetmapPortOptions { HostTxRings = 2, HostRxRings = 4 });
        Assert.Equal((2, 4), (port.HostTxRings.Count, port.HostRxRings.Count));
        const int Flows = 64;
        for (int round = 0; round < 3; round++)
        {
            for (int flow = 0; flow < Flows; flow++)
                SendUdp(lab.Left, "10.9.0.2", Data(20), port: (ushort)(10000 + flow), source: (ushort)(20000 + flow));
        }
        Dictionary<ushort, HashSet<int>> ringsOf = [];
        port.RxSync();
        foreach (RxRing ring in port.HostRxRings)
        {
            foreach (RxFrame frame in ring)
            {
                ushort flow = System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(frame.Data[36..]);
                ringsOf.TryAdd(flow, []);
                ringsOf[flow].Add(ring.Index);
            }
        }
        Assert.Equal(Flows, ringsOf.Count);
        Assert.All(ringsOf.Values, rings => Assert.Single(rings));
        Assert.True(ringsOf.Values.SelectMany(rings => rings).Distinct().Count() > 1, "all flows on one ring");
    }

    [Fact]
    public void AWaitForTheHostEndsWhenTheInterfaceGoesDown()
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft("^");
        Thread later = new(() =>
        {
            Thread.Sleep(50);
            lab.Left.SetUp("v0", false);
        });
        later.Start();
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon));
        later.Join();
        port.TxRings[0].TrySend(TestFrame.Numbered(1, 60));
        Assert.Equal("ENETDOWN", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        lab.Left.SetUp("v0");
        port.TxRings[0].TrySend(TestFrame.Numbered(2, 60));
        port.TxSync();
        Assert.Equal(1, port.GetStatistics().HostTx[0].Packets);
    }

    [Fact]
    public void DeletedInUseIsAnErrorAndClosesCleanly()
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        using NetmapPort port = lab.OpenLeft("*");
        lab.Left.Delete("v0");
        port.HostTxRings[0].TrySend(TestFrame.Numbered(1, 60));
        Assert.Contains(Assert.Throws<NetmapException>(port.TxSync).ErrorName, (string[])["EIO", "ENXIO"]);
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, VethLab.Soon));
    }

    [Fact]
    public void NothingIsLeftOpenOrMapped()
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        lab.OpenLeft("*").Dispose();
        OpenResources before = OpenResources.Settled();
        for (int i = 0; i < 20; i++)
        {
            using NetmapPort nic = lab.OpenLeft();
            using NetmapPort host = lab.OpenLeft("^/x");
            Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => lab.OpenLeft("*")).ErrorName);
        }
        before.CheckNothingMoreIsOpen();
    }

    internal static byte[] Data(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }

    internal static Socket Bound(ushort port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        return socket;
    }

    internal static void SendUdp(NetworkNamespace from, string to, byte[] data, int segment = 0, ushort port = 9999, ushort source = 0) => from.Run(() =>
    {
        using Socket socket = Bound(source);
        if (segment > 0)
            socket.SetRawSocketOption(17, 103, BitConverter.GetBytes(segment));
        socket.SendTo(data, new IPEndPoint(IPAddress.Parse(to), port));
    });

    /// <summary>A datagram as the right host sends it to the left one.</summary>
    internal static byte[] Datagram(byte[] data)
    {
        UdpPacket udp = new(1234, 9999) { PayloadData = data };
        IPv4Packet ip = new(IPAddress.Parse("10.9.0.2"), IPAddress.Parse("10.9.0.1")) { PayloadPacket = udp, TimeToLive = 64 };
        EthernetPacket ethernet = new(
            System.Net.NetworkInformation.PhysicalAddress.Parse(VethLab.RightMac.ToUpperInvariant().Replace(':', '-')),
            System.Net.NetworkInformation.PhysicalAddress.Parse(VethLab.LeftMac.ToUpperInvariant().Replace(':', '-')),
            EthernetType.IPv4)
        { PayloadPacket = ip };
        udp.UpdateUdpChecksum();
        ip.UpdateIPChecksum();
        return ethernet.Bytes;
    }

    internal static List<byte[]> Receive(NetmapPort port, int count)
    {
        List<byte[]> frames = [];
        while (frames.Count < count)
        {
            Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxRing ring in port.HostRxRings)
            {
                foreach (RxFrame frame in ring)
                    frames.Add(frame.Data.ToArray());
            }
        }
        return frames;
    }
}
