using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Cli.PktGen;

namespace Netmap.Cli.Demo;

/// <summary>ICMP echo requests from an ordinary kernel socket, as ping(8) makes them.</summary>
internal static class KernelPing
{
    public const int RequestBytes = 64;
    public const int ReplyBytes = 2048;

    private const ushort Id = 0x4e4d;
    private const byte EchoRequest = 8;
    private const byte EchoReply = 0;

    /// <summary>Sends requests one after another, each with a second to be answered; how many were not.</summary>
    public static int Run(string address, int count, CancellationToken stop)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp) { ReceiveTimeout = 1000 };
        EndPoint target = new IPEndPoint(IPAddress.Parse(address), 0);
        byte[] request = new byte[RequestBytes];
        byte[] reply = new byte[ReplyBytes];
        int lost = 0;
        for (int i = 0; i < count && !stop.IsCancellationRequested; i++)
        {
            Write(request, (ushort)i);
            socket.SendTo(request, target);
            lost += IsAnswered(socket, reply, (ushort)i) ? 0 : 1;
        }
        return lost;
    }

    /// <summary>Makes <paramref name="request"/> the request of a number.</summary>
    public static void Write(Span<byte> request, ushort sequence)
    {
        request.Clear();
        request[0] = EchoRequest;
        BinaryPrimitives.WriteUInt16BigEndian(request[4..], Id);
        BinaryPrimitives.WriteUInt16BigEndian(request[6..], sequence);
        BinaryPrimitives.WriteUInt16BigEndian(request[2..], Checksum.Finish(Checksum.Add(0, request)));
    }

    /// <summary>Whether an IPv4 packet of a raw socket answers a request of ours, and which.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, out ushort sequence)
    {
        ReadOnlySpan<byte> icmp = packet[((packet[0] & 15) * 4)..];
        sequence = BinaryPrimitives.ReadUInt16BigEndian(icmp[6..]);
        return icmp[0] == EchoReply && BinaryPrimitives.ReadUInt16BigEndian(icmp[4..]) == Id;
    }

    private static bool IsAnswered(Socket socket, byte[] reply, ushort sequence)
    {
        try
        {
            while (true)
            {
                int length = socket.Receive(reply);
                if (TryRead(reply.AsSpan(0, length), out ushort answered) && answered == sequence)
                    return true;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return false;
        }
    }
}
