using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Tests.Netns.Native;
using PacketDotNet;

namespace Netmap.Tests.Netns.Host;

/// <summary>What a host's stack leaves beside its frames or to the hardware: VLAN tags, and super-frames that cannot be cut.</summary>
public sealed class HostOffloadTests
{
    private const int Segment = 1400;
    private const int TcpPayload = 6 * Segment;
    private const byte Gre = 47;
    private const byte Ipip = 4;

    public HostOffloadTests() => Privileges.RequireBpf();

    /// <summary>As a VLAN device on the interface sends: the tag is beside the frame at the egress hook.</summary>
    [Theory]
    [InlineData(0x8100, 100, AdapterMode.Generic)]
    [InlineData(0x88a8, 4000, AdapterMode.Generic)]
    [InlineData(0x8100, 100, AdapterMode.Native)]
    public void ATagBesideAFrameIsPutBackInTheHostRing(int protocol, int tag, AdapterMode mode)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode }).WithAddresses();
        using BpfLink tagger = AddTaggingDevice(lab, protocol, tag);
        using NetmapPort port = lab.OpenLeft("*");
        byte[] data = KernelHostTests.Data(33);
        KernelHostTests.SendUdp(lab.Left, "10.8.0.2", data);
        byte[] frame = Assert.Single(Receive(port, 1));
        Assert.Equal([(byte)(protocol >> 8), (byte)protocol, (byte)(tag >> 8), (byte)tag, 8, 0], frame[12..18]);
        Assert.Equal(14 + 4 + 20 + 8 + 33, frame.Length);
        UdpPacket datagram = Untagged(frame).Extract<UdpPacket>();
        Assert.Equal(data, datagram.PayloadData);
        Assert.True(datagram.ValidUdpChecksum);
    }

    /// <summary>Each segment has the tag of the super-frame.</summary>
    [Fact]
    public void SegmentsOfATaggedSuperFrameAreTaggedEach()
    {
        using VethLab lab = new VethLab().WithAddresses();
        using BpfLink tagger = AddTaggingDevice(lab, 0x8100, 100);
        using NetmapPort port = lab.OpenLeft("*");
        byte[] data = KernelHostTests.Data(5 * Segment);
        KernelHostTests.SendUdp(lab.Left, "10.8.0.2", data, segment: Segment);
        List<byte[]> frames = Receive(port, 5);
        Assert.All(frames, frame => Assert.Equal([0x81, 0, 0, 100, 8, 0], frame[12..18]));
        UdpPacket[] datagrams = [.. frames.Select(frame => Untagged(frame).Extract<UdpPacket>())];
        Assert.All(datagrams, datagram => Assert.True(datagram.ValidUdpChecksum));
        Assert.Equal(data, datagrams.SelectMany(datagram => datagram.PayloadData));
        Assert.Empty(port.GetStatistics().Drops);
    }

    /// <summary>
    /// Behind headers that the kernel does not know for a tunnel's a super-frame is not cut: it is counted, none of it arrives,
    /// and what comes behind it does.
    /// </summary>
    [Theory]
    [InlineData(Gre)]
    [InlineData(Ipip)]
    public void ASuperFrameBehindUnknownHeadersIsCounted(byte protocol)
    {
        using VethLab lab = new VethLab().WithAddresses();
        using NetmapPort port = lab.OpenLeft("*");
        SendTunnelled(lab.Left, protocol);
        byte[] data = KernelHostTests.Data(33);
        KernelHostTests.SendUdp(lab.Left, "10.9.0.2", data);
        EthernetPacket frame = (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, Assert.Single(Receive(port, 1)));
        Assert.Equal(data, frame.Extract<UdpPacket>().PayloadData);
        PortStatistics statistics = port.GetStatistics();
        Assert.Equal(1, statistics.HostRx[0].Drops[DropReason.UnknownOffload]);
        Assert.Equal((1, 0), (statistics.HostRx[0].Packets, statistics.HostRx[0].Segmented));
    }

    /// <summary>What the host sends to 10.8.0.2 leaves by v0 with a tag beside it, as through a VLAN device on v0.</summary>
    private static BpfLink AddTaggingDevice(VethLab lab, int protocol, int tag)
    {
        lab.Left.CreateVeth("w0", "w1", lab.Right);
        lab.Left.DisableIpv6("w0");
        lab.Right.DisableIpv6("w1");
        lab.Left.SetUp("w0");
        lab.Right.SetUp("w1");
        lab.Left.AddAddress("w0", "10.8.0.1/24");
        lab.Left.AddNeighbor("w0", "10.8.0.2", VethLab.RightMac);
        return lab.Left.Run(() =>
        {
            using SafeDescriptor control = InterfaceQuery.OpenSocket();
            BpfAssembler code = new BpfAssembler()
                .Move(BpfRegister.R2, BinaryPrimitives.ReverseEndianness((ushort)protocol)).Move(BpfRegister.R3, tag)
                .Call(BpfFunc.BPF_FUNC_skb_vlan_push)
                .Move(BpfRegister.R1, InterfaceQuery.Index(control.Fd, "v0").Int32).Move(BpfRegister.R2, 0)
                .Call(BpfFunc.BPF_FUNC_redirect)
                .Exit();
            using BpfProgram loaded = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, code.Instructions, "tagger", "w0");
            return BpfLink.TryAttach(LinuxBpf.BPF_TCX_EGRESS, InterfaceQuery.Index(control.Fd, "w0").Int32, loaded, out _)!;
        });
    }

    /// <summary>A TCP super-frame behind a tunnel's header, as that tunnel's device hands it down: there may be no such device here.</summary>
    private static unsafe void SendTunnelled(NetworkNamespace from, byte protocol) => from.Run(() =>
    {
        int inner = protocol == Gre ? 38 : 34;
        byte[] frame = new byte[inner + 40 + TcpPayload];
        new byte[] { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 }.CopyTo(frame, 0);
        WriteIp(frame.AsSpan(14), protocol);
        if (protocol == Gre)
            frame[36] = 8;
        WriteIp(frame.AsSpan(inner), 6);
        frame[inner + 32] = 5 << 4;
        virtio_net_hdr header = new()
        {
            flags = LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM,
            gso_type = LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4,
            hdr_len = (ushort)(inner + 40),
            gso_size = Segment,
            csum_start = (ushort)(inner + 20),
            csum_offset = 16,
        };
        byte[] message = [.. new ReadOnlySpan<byte>(&header, sizeof(virtio_net_hdr)), .. frame];
        using SafeDescriptor control = InterfaceQuery.OpenSocket();
        int index = InterfaceQuery.Index(control.Fd, "v0").Int32;
        using Socket socket = new(AddressFamily.Packet, SocketType.Raw, System.Net.Sockets.ProtocolType.Raw);
        // PACKET_VNET_HDR
        socket.SetRawSocketOption(263, 15, BitConverter.GetBytes(1));
        sockaddr_ll address = new() { sll_family = 17, sll_protocol = 8, sll_ifindex = index };
        Assert.False(SysSocket.bind((int)socket.Handle, &address, (uint)sizeof(sockaddr_ll)).IsError);
        Assert.Equal(message.Length, socket.Send(message));
    });

    private static void WriteIp(Span<byte> packet, byte protocol)
    {
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        (packet[8], packet[9]) = (64, protocol);
        IPAddress.Parse("10.9.0.1").TryWriteBytes(packet[12..], out _);
        IPAddress.Parse("10.9.0.2").TryWriteBytes(packet[16..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Finish(InternetChecksum.Sum(packet[..20])));
    }

    private static Packet Untagged(byte[] frame) => Packet.ParsePacket(LinkLayers.Ethernet, [.. frame[..12], .. frame[16..]]);

    private static List<byte[]> Receive(NetmapPort port, int count)
    {
        List<byte[]> frames = [];
        while (frames.Count < count)
        {
            Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxFrame frame in port.HostRxRings[0])
                frames.Add(frame.Data.ToArray());
        }
        return frames;
    }
}
