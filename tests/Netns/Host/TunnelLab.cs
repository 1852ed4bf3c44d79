using Netmap.Links;
using Netmap.Tests.Netns.Native;
using Netmap.Tests.Netns.Peers;
using PacketDotNet;

namespace Netmap.Tests.Netns.Host;

/// <summary>
/// A veth pair whose hosts have a VXLAN tunnel over it: 10.7.0.1 on <c>x0</c> at the left, 10.7.0.2 on <c>x1</c> at the right,
/// with all neighbours known. The devices leave inner checksums to hardware, as they do by themselves.
/// </summary>
internal static class TunnelLab
{
    private const int Outer = 14 + 20 + 8 + 8;

    /// <param name="mode">Native or generic.</param>
    /// <param name="port">The tunnel's UDP port.</param>
    /// <param name="outerChecksum">The tunnel's own datagrams have one.</param>
    /// <param name="gear">Of native ports.</param>
    public static VethLab Create(AdapterMode mode, int port = 4789, bool outerChecksum = false, NativeGear gear = NativeGear.Auto)
    {
        Peer.Require("ip", "iproute2");
        VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode, NativeGear = gear }).WithAddresses();
        string checksum = outerChecksum ? "udpcsum" : "noudpcsum";
        (string Name, string Remote, string Mac)[] ends = [("x0", "10.9.0.2", "02:00:00:00:07:01"), ("x1", "10.9.0.1", "02:00:00:00:07:02")];
        for (int i = 0; i < 2; i++)
        {
            NetworkNamespace space = i == 0 ? lab.Left : lab.Right;
            (string name, string remote, string mac) = ends[i];
            Assert.Empty(Peer.Run(space, "ip", "link", "add", name, "address", mac, "type", "vxlan", "id", "7", "remote", remote,
                "dstport", $"{port}", "dev", $"v{i}", checksum));
            space.DisableIpv6(name);
            space.SetUp(name);
            space.AddAddress(name, $"10.7.0.{i + 1}/24");
            space.AddNeighbor(name, $"10.7.0.{2 - i}", ends[1 - i].Mac);
        }
        return lab;
    }

    /// <summary>The tunnel's datagram, its IP header checked.</summary>
    public static UdpPacket Carrier(byte[] frame)
    {
        Packet packet = Packet.ParsePacket(LinkLayers.Ethernet, frame);
        IPv4Packet ip = packet.Extract<IPv4Packet>();
        Assert.True(ip.ValidIPChecksum);
        Assert.Equal(frame.Length - 14, ip.TotalLength);
        Assert.Equal(frame.Length - 34, ip.Extract<UdpPacket>().Length);
        return ip.Extract<UdpPacket>();
    }

    /// <summary>What it carries, checked likewise.</summary>
    public static Packet Carried(byte[] frame)
    {
        Packet packet = Packet.ParsePacket(LinkLayers.Ethernet, frame[Outer..]);
        Assert.True(packet.Extract<IPv4Packet>().ValidIPChecksum);
        Assert.Equal(frame.Length - Outer - 14, packet.Extract<IPv4Packet>().TotalLength);
        Assert.True(packet.Extract<UdpPacket>()?.ValidUdpChecksum ?? packet.Extract<TcpPacket>().ValidTcpChecksum, "inner checksum");
        return packet;
    }
}
