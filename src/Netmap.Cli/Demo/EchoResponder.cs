using System.Buffers.Binary;
using Netmap.Cli.PktGen;

namespace Netmap.Cli.Demo;

/// <summary>Answers ARP and ICMP echo requests for one IPv4 address, by turning the frame around in place.</summary>
internal sealed class EchoResponder(byte[] mac, byte[] address)
{
    private const int Ip = 14;

    /// <summary>Serves a port until cancelled; requests answered.</summary>
    public long Serve(NetmapPort port, CancellationToken stop)
    {
        long answered = 0;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                port.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan, stop);
                foreach (RxRing ring in port.RxRings)
                {
                    foreach (RxFrame frame in ring)
                        answered += TryReply(frame.Data) && port.TxRings[0].TrySend(frame.Data) ? 1 : 0;
                }
                port.TxSync();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return answered;
        }
        return answered;
    }

    /// <summary>Turns a request into its reply; false for anything else.</summary>
    public bool TryReply(Span<byte> frame)
    {
        if (frame.Length < 42)
            return false;
        return BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) switch
        {
            0x0806 => TryArp(frame),
            0x0800 => TryEcho(frame),
            _ => false,
        };
    }

    private bool TryArp(Span<byte> frame)
    {
        Span<byte> arp = frame[Ip..];
        if (arp[7] != 1 || !arp[24..28].SequenceEqual(address))
            return false;
        arp[7] = 2;
        arp[8..18].CopyTo(arp[18..28]);
        mac.CopyTo(arp[8..]);
        address.CopyTo(arp[14..]);
        return ToSender(frame);
    }

    private bool TryEcho(Span<byte> frame)
    {
        Span<byte> ip = frame[Ip..];
        int header = (ip[0] & 15) * 4;
        int length = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
        if (ip[9] != 1 || header < 20 || length > ip.Length || length < header + 8 || !ip[16..20].SequenceEqual(address))
            return false;
        Span<byte> icmp = ip[header..length];
        if (icmp[0] != 8)
            return false;
        icmp[0] = 0;
        ip[12..16].CopyTo(ip[16..20]);
        address.CopyTo(ip[12..]);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], Checksum.Finish(Checksum.Add(0, icmp)));
        return ToSender(frame);
    }

    private bool ToSender(Span<byte> frame)
    {
        frame[6..12].CopyTo(frame);
        mac.CopyTo(frame[6..]);
        return true;
    }
}
