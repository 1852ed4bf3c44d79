// Answers ARP and ping for one address: EchoResponder netmap:eth0 10.0.0.1
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap;

if (args.Length != 2 || !IPAddress.TryParse(args[1], out IPAddress? parsed) || parsed.AddressFamily != AddressFamily.InterNetwork)
{
    Console.Error.WriteLine("usage: EchoResponder PORT ADDRESS, an IPv4 address, for example: EchoResponder netmap:eth0 10.0.0.1");
    return 2;
}
byte[] address = parsed.GetAddressBytes();
try
{
    using NetmapPort port = NetmapPort.Open(args[0]);
    byte[] mac = Convert.FromHexString(port.Info.MacAddress.Replace(":", ""));
    // Waiting for more also sends the replies.
    while ((port.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan) & PollEvents.Receive) != 0)
        Answer(port, mac);
    Console.Error.WriteLine("the interface went down");
}
catch (NetmapException e)
{
    Console.Error.WriteLine(e.Message);
}
return 1;

void Answer(NetmapPort port, byte[] mac)
{
    foreach (RxRing ring in port.RxRings)
    {
        foreach (RxFrame frame in ring)
        {
            if (TryReply(frame.Data, mac))
                port.TxRings[0].TrySend(frame.Data);
        }
    }
}

bool TryReply(Span<byte> frame, byte[] mac)
{
    Span<byte> packet = frame.Length >= 42 ? frame[14..] : default;
    if (packet.Length > 0 && frame[12] == 8 && frame[13] == 6 && packet[7] == 1 && packet[24..28].SequenceEqual(address))
    {
        packet[7] = 2;
        packet[8..18].CopyTo(packet[18..]);
        mac.CopyTo(packet[8..]);
        address.CopyTo(packet[14..]);
    }
    else if (packet.Length > 0 && frame[12] == 8 && frame[13] == 0 && packet[0] == 0x45 && packet[9] == 1 && packet[20] == 8
        && packet[16..20].SequenceEqual(address))
    {
        // Request to reply: the type goes from 8 to 0, so the checksum goes up by 0x0800, one's complement.
        int sum = BinaryPrimitives.ReadUInt16BigEndian(packet[22..]) + 0x0800;
        packet[20] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(packet[22..], (ushort)(sum > 0xffff ? sum + 1 : sum));
        packet[12..16].CopyTo(packet[16..]);
        address.CopyTo(packet[12..]);
    }
    else
        return false;
    frame[6..12].CopyTo(frame);
    mac.CopyTo(frame[6..]);
    return true;
}
