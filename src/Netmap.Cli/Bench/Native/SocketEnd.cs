using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Netmap.Cli.Bench.Native;

/// <summary>A socket of the kernel's, as an end of a ping-pong: blocked in recv(2), or asking it again and again.</summary>
internal sealed class SocketEnd : IPingEnd, IDisposable
{
    /// <summary>For local experiments (IEEE 802): no stack knows it, so that nobody else answers.</summary>
    private const ushort EtherType = 0x88B5;

    private const int Port = 7;
    private const int UdpPayload = 60 - 14 - 20 - 8;

    private readonly Socket _socket;
    private readonly byte[] _message;
    private readonly byte[] _received = new byte[2048];

    private SocketEnd(Socket socket, byte[] message, bool blocking)
    {
        (_socket, _message) = (socket, message);
        socket.ReceiveTimeout = (int)PingPong.Patience.TotalMilliseconds;
        socket.Blocking = blocking;
    }

    /// <summary>UDP between two addresses; on the wire its frames have 60 bytes. Call it in the namespace.</summary>
    public static SocketEnd Udp(string from, string to, bool blocking)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), Port));
        socket.Connect(new IPEndPoint(IPAddress.Parse(to), Port));
        return new SocketEnd(socket, new byte[UdpPayload], blocking);
    }

    /// <summary>A packet socket (packet(7)) that sends and receives frames of our own EtherType. Call it in the namespace.</summary>
    public static SocketEnd Packet(int interfaceIndex, string fromMac, string toMac, bool blocking)
    {
        byte[] frame = [.. Mac(toMac), .. Mac(fromMac), EtherType >> 8, EtherType & 0xFF, .. new byte[60 - 14]];
        Socket socket = new(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified);
        socket.Bind(new PacketEndPoint(interfaceIndex));
        return new SocketEnd(socket, frame, blocking);
    }

    public void Send() => _socket.Send(_message);

    public bool TryReceive() => _socket.Receive(_received, SocketFlags.None, out SocketError error) > 0 && error == SocketError.Success;

    public void Dispose() => _socket.Dispose();

    private static byte[] Mac(string text) => Convert.FromHexString(text.Replace(":", ""));

    /// <summary>struct sockaddr_ll: family, protocol in network order, index, and 12 bytes that bind(2) does not read.</summary>
    private sealed class PacketEndPoint(int interfaceIndex) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            SocketAddress address = new(AddressFamily.Packet, 20);
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[2..], EtherType);
            BitConverter.TryWriteBytes(address.Buffer.Span[4..], interfaceIndex);
            return address;
        }
    }
}
