using System.Net;
using System.Net.Sockets;
using Netmap.Links;

namespace Netmap.Cli.Bench;

/// <summary>
/// A load that costs its sender little: a UDP socket whose large writes the kernel cuts into 60-byte frames
/// (UDP_SEGMENT, udp(7)). It is the same for us and for the peer, on the sending CPU.
/// </summary>
internal sealed class UdpLoad(BenchLab lab)
{
    private const int UdpSegment = 103;
    private const int PayloadOfSixty = 18;
    private const int Segments = 64;

    /// <summary>Sends for a time; frames that came out at the near end of the wire.</summary>
    public long Run(TimeSpan time)
    {
        long before = lab.ArrivedNear;
        lab.Far.Run(() => Send(time));
        return lab.ArrivedNear - before;
    }

    private static void Send(TimeSpan time)
    {
        CpuAffinity.Pin(BenchLab.SendCpu);
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SetRawSocketOption(17, UdpSegment, BitConverter.GetBytes(PayloadOfSixty));
        socket.Connect(new IPEndPoint(IPAddress.Parse("10.66.0.2"), 9));
        byte[] payload = new byte[PayloadOfSixty * Segments];
        Meter meter = new();
        while (meter.Seconds < time.TotalSeconds)
        {
            for (int i = 0; i < 64; i++)
                socket.Send(payload);
        }
    }
}
