using System.Buffers.Binary;
using System.Net;

namespace Netmap.Tests.Netns.Filters;

/// <summary>Made-up frames for filters; checksums are nobody's business here.</summary>
internal static class Frames
{
    private static readonly byte[] s_ports = [0x30, 0x39, 0x12, 0xb5];

    /// <summary>Every frame by a name.</summary>
    public static IReadOnlyDictionary<string, byte[]> All { get; } = new Dictionary<string, byte[]>
    {
        ["arp"] = Ethernet(0x0806, new byte[46]),
        ["udp4789"] = Ethernet(0x0800, Ip4(17, Transport(4789))),
        ["udp53"] = Ethernet(0x0800, Ip4(17, Transport(53))),
        ["udp4789 with options"] = Ethernet(0x0800, Ip4(17, Transport(4789), optionWords: 6)),
        ["udp4789 fragment"] = Ethernet(0x0800, Ip4(17, Transport(4789), fragment: 100)),
        ["udp4789 first fragment"] = Ethernet(0x0800, Ip4(17, Transport(4789), fragment: 0x2000)),
        ["tcp22"] = Ethernet(0x0800, Ip4(6, Transport(22))),
        ["tcp4789"] = Ethernet(0x0800, Ip4(6, Transport(4789))),
        ["icmp"] = Ethernet(0x0800, Ip4(1, new byte[26])),
        ["udp4789 over ip6"] = Ethernet(0x86dd, Ip6(17, Transport(4789))),
        ["tcp22 over ip6"] = Ethernet(0x86dd, Ip6(6, Transport(22))),
        ["vlan 5 udp4789"] = Vlan(5, Ethernet(0x0800, Ip4(17, Transport(4789)))),
        ["vlan 6 udp4789"] = Vlan(6, Ethernet(0x0800, Ip4(17, Transport(4789)))),
        ["vlan 5 arp"] = Vlan(5, Ethernet(0x0806, new byte[46])),
        ["vlan 7 of vlan 5 udp4789"] = Vlan(5, Vlan(7, Ethernet(0x0800, Ip4(17, Transport(4789))))),
        ["lldp"] = Ethernet(0x88cc, new byte[46]),
        ["long udp4789"] = Ethernet(0x0800, Ip4(17, Transport(4789, 1400))),
    };

    public static byte[] Vlan(int tag, byte[] frame)
    {
        byte[] bytes = [0x81, 0x00, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)tag);
        return [.. frame[..12], .. bytes, .. frame[12..]];
    }

    private static byte[] Ethernet(int type, byte[] payload) =>
        [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (byte)(type >> 8), (byte)type, .. payload];

    private static byte[] Transport(int port, int length = 26)
    {
        byte[] bytes = new byte[length];
        s_ports.CopyTo(bytes, 0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)port);
        return bytes;
    }

    private static byte[] Ip4(int protocol, byte[] payload, int optionWords = 0, int fragment = 0)
    {
        byte[] head = new byte[20 + (4 * optionWords)];
        head[0] = (byte)(0x45 + optionWords);
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(2), (ushort)(head.Length + payload.Length));
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(6), (ushort)fragment);
        (head[8], head[9]) = (64, (byte)protocol);
        IPAddress.Parse("10.9.0.2").GetAddressBytes().CopyTo(head, 12);
        IPAddress.Parse("10.9.0.1").GetAddressBytes().CopyTo(head, 16);
        return [.. head, .. payload];
    }

    private static byte[] Ip6(int protocol, byte[] payload)
    {
        byte[] head = new byte[40];
        head[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(4), (ushort)payload.Length);
        (head[6], head[7]) = ((byte)protocol, 64);
        IPAddress.Parse("fd00::2").GetAddressBytes().CopyTo(head, 8);
        IPAddress.Parse("fd00::1").GetAddressBytes().CopyTo(head, 24);
        return [.. head, .. payload];
    }
}
