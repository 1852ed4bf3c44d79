using System.Buffers.Binary;

namespace Netmap.Cli.LoadBalancer;

/// <summary>
/// One number for both directions of a flow: addresses and ports of TCP, UDP and SCTP, addresses of other IP, hardware
/// addresses of the rest. All fragments of an IPv4 packet have that of their addresses: only the first has ports.
/// </summary>
internal static class FlowHash
{
    /// <param name="frame">From the Ethernet header on; as much of it as lies in the first slot.</param>
    /// <param name="isIp">IPv4 or IPv6, VLAN tags or not.</param>
    public static uint Of(ReadOnlySpan<byte> frame, out bool isIp)
    {
        isIp = false;
        if (frame.Length < 14)
            return 0;
        int at = 14;
        while (frame.Length >= at + 4 && EtherType(frame, at) is 0x8100 or 0x88a8)
            at += 4;
        ReadOnlySpan<byte> packet = frame[at..];
        if (EtherType(frame, at) == 0x0800 && packet.Length >= 20 && packet[0] >> 4 == 4)
        {
            isIp = true;
            bool fragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0;
            int header = (packet[0] & 0xf) * 4;
            uint ports = fragment || packet.Length < header ? 0 : Ports(packet[9], packet[header..]);
            return Combine(Mix(packet.Slice(12, 4)), Mix(packet.Slice(16, 4)), ports);
        }
        if (EtherType(frame, at) == 0x86dd && packet.Length >= 40 && packet[0] >> 4 == 6)
        {
            isIp = true;
            return Combine(Mix(packet.Slice(8, 16)), Mix(packet.Slice(24, 16)), Ports(packet[6], packet[40..]));
        }
        return Combine(Mix(frame[..6]), Mix(frame.Slice(6, 6)), 0);
    }

    private static ushort EtherType(ReadOnlySpan<byte> frame, int end) => BinaryPrimitives.ReadUInt16BigEndian(frame[(end - 2)..]);

    /// <summary>Source in the upper half, destination in the lower; 0 for protocols without.</summary>
    private static uint Ports(byte protocol, ReadOnlySpan<byte> header) =>
        protocol is 6 or 17 or 132 && header.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(header) : 0;

    /// <summary>The two ends are added: which of them sent does not matter.</summary>
    private static uint Combine(uint source, uint destination, uint ports)
    {
        uint sum = Scramble(source ^ Scramble(ports >> 16)) + Scramble(destination ^ Scramble(ports & 0xffff));
        return Scramble(sum);
    }

    private static uint Mix(ReadOnlySpan<byte> address)
    {
        uint hash = 0x811c9dc5;
        foreach (byte value in address)
            hash = (hash ^ value) * 0x01000193;
        return hash;
    }

    /// <summary>Spreads every bit over all (the finaliser of MurmurHash3).</summary>
    private static uint Scramble(uint hash)
    {
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }
}
