using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Cli.PktGen;

namespace Netmap.Cli.Demo;

/// <summary>ICMP echo requests from an ordinary kernel socket, as ping(8) makes them.</summary>
internal static class KernelPing
{
    private const ushort Id = 0x4e4d;

    /// <summary>Sends requests one after another, each with a second to be answered; how many were not.</summary>
    public static int Run(string address, int count, CancellationToken stop)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp) { ReceiveTimeout = 1000 };
        EndPoint target = new IPEndPoint(IPAddress.Parse(address), 0);
        byte[] request = new byte[64];
        byte[] reply = new byte[2048];
        int lost = 0;
        for (int i = 0; i < count && !stop.IsCancellationRequested; i++)
        {
            request[0] = 8;
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(2), 0);
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(4), Id);
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), (ushort)i);
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(2), Checksum.Finish(Checksum.Add(0, request)));
            socket.SendTo(request, target);
            lost += IsAnswered(socket, reply, (ushort)i) ? 0 : 1;
        }
        return lost;
    }

    private static bool IsAnswered(Socket socket, byte[] reply, ushort sequence)
    {
        try
        {
            while (true)
            {
                int length = socket.Receive(reply);
                ReadOnlySpan<byte> icmp = reply.AsSpan((reply[0] & 15) * 4, length - ((reply[0] & 15) * 4));
                if (icmp[0] == 0 && BinaryPrimitives.ReadUInt16BigEndian(icmp[4..]) == Id
                    && BinaryPrimitives.ReadUInt16BigEndian(icmp[6..]) == sequence)
                    return true;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return false;
        }
    }
}
