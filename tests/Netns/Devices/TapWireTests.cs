using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Links;

namespace Netmap.Tests.Netns.Devices;

/// <summary>Our side of a TAP speaks for itself: the kernel's own ARP, ICMP and UDP are the peer, no program of ours is.</summary>
public sealed class TapWireTests : IDisposable
{
    private static readonly byte[] s_wireAddress = [10, 8, 0, 2];
    private static readonly byte[] s_hostAddress = [10, 8, 0, 1];

    private readonly NetworkNamespace _host;
    private readonly NetmapEngine _engine = new();

    public TapWireTests()
    {
        Privileges.RequireNamespaces();
        _host = NetworkNamespace.Create();
    }

    public void Dispose()
    {
        _engine.Dispose();
        _host.Dispose();
    }

    [Fact]
    public void TheKernelAnswersOurArpAndOurEcho()
    {
        using NetmapPort port = Open();
        byte[] wireMac = Mac(port);
        Send(port, ArpRequest(wireMac));
        byte[] arp = Receive(port, f => f[12] == 8 && f[13] == 6 && f[21] == 2);
        byte[] hostMac = arp[22..28];
        Assert.NotEqual(wireMac, hostMac);
        Assert.Equal(s_hostAddress, arp[28..32]);
        Send(port, EchoRequest(wireMac, hostMac, 77));
        byte[] echo = Receive(port, f => f[12] == 8 && f[13] == 0 && f[23] == 1);
        Assert.Equal(0, echo[34]);
        Assert.Equal(77, BinaryPrimitives.ReadUInt16BigEndian(echo.AsSpan(40)));
        Assert.Equal(wireMac, echo[..6]);
    }

    [Fact]
    public void OurAddressIsLocalUnicastAndNotTheInterfaces()
    {
        using NetmapPort port = Open();
        _host.SetMac("wire0", "00:11:22:33:44:55");
        byte[] mac = Mac(port);
        Assert.Equal(2, mac[0] & 3);
        Assert.NotEqual([0, 0x11, 0x22, 0x33, 0x44, 0x55], mac);
    }

    [Fact]
    public void AFrameCutShortAfterARaisedMtuIsDroppedWithItsReason()
    {
        using NetmapPort port = Open();
        _host.AddNeighbor("wire0", "10.8.0.2", port.Info.MacAddress);
        _host.SetMtu("wire0", 9000);
        _host.Run(() =>
        {
            using Socket udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            udp.SendTo(new byte[4000], new IPEndPoint(new IPAddress(s_wireAddress), 9));
            udp.SendTo(new byte[1000], new IPEndPoint(new IPAddress(s_wireAddress), 9));
        });
        Assert.Equal(1042, Receive(port, f => f[12] == 8 && f[23] == 17).Length);
        Assert.Equal(1, port.GetStatistics().Drops[DropReason.Truncated]);
    }

    [Theory]
    [InlineData("tap:wire%d")]
    [InlineData("tap:")]
    [InlineData("tap:ßßßßßßßß")]
    [InlineData("tap:a/b")]
    public void NamesNoInterfaceCanHaveAreRefusedAndLeaveNothing(string name)
    {
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => _host.Run(() => NetmapPort.Open(name, engine: _engine))).ErrorName);
        Assert.Equal(["lo"], _host.List().Select(l => l.Name));
    }

    [Fact]
    public void OpenAndCloseLeavesNoDescriptorAndNoInterface()
    {
        Open().Dispose();
        OpenResources before = OpenResources.Settled();
        for (int i = 0; i < 5; i++)
            Open().Dispose();
        before.CheckNothingMoreIsOpen();
        Assert.Equal(["lo"], _host.List().Select(l => l.Name));
    }

    private NetmapPort Open()
    {
        NetmapPort port = _host.Run(() => NetmapPort.Open("tap:wire0", engine: _engine));
        _host.DisableIpv6("wire0");
        _host.AddAddress("wire0", "10.8.0.1/24");
        return port;
    }

    private static byte[] Mac(NetmapPort port) => Convert.FromHexString(port.Info.MacAddress.Replace(":", ""));

    private static void Send(NetmapPort port, byte[] frame)
    {
        Assert.True(port.TxRings[0].TrySend(frame));
        port.TxSync();
    }

    private static byte[] Receive(NetmapPort port, Predicate<byte[]> wanted)
    {
        long end = Environment.TickCount64 + (long)VethLab.Soon.TotalMilliseconds;
        while (Environment.TickCount64 < end)
        {
            port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(100));
            foreach (RxFrame frame in port.RxRings[0])
            {
                byte[] copy = new byte[frame.Length];
                frame.CopyTo(copy);
                if (wanted(copy))
                    return copy;
            }
        }
        Assert.Fail("the kernel did not answer");
        return [];
    }

    private static byte[] ArpRequest(byte[] wireMac) =>
    [
        255, 255, 255, 255, 255, 255, .. wireMac, 8, 6,
        0, 1, 8, 0, 6, 4, 0, 1, .. wireMac, .. s_wireAddress, 0, 0, 0, 0, 0, 0, .. s_hostAddress,
    ];

    private static byte[] EchoRequest(byte[] wireMac, byte[] hostMac, ushort sequence)
    {
        byte[] ip = [0x45, 0, 0, 36, 0, 0, 0, 0, 64, 1, 0, 0, .. s_wireAddress, .. s_hostAddress];
        byte[] icmp = [8, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(6), sequence);
        WriteChecksum(ip, 10);
        WriteChecksum(icmp, 2);
        return [.. hostMac, .. wireMac, 8, 0, .. ip, .. icmp];
    }

    private static void WriteChecksum(byte[] bytes, int at)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(i));
        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)~(sum + (sum >> 16)));
    }
}
