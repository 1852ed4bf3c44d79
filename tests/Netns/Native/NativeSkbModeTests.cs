using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Tests.Netns.Filters;

namespace Netmap.Tests.Netns.Native;

/// <summary>An interface whose driver has no XDP, a bridge, opened natively all the same: the program runs behind the driver.</summary>
public sealed class NativeSkbModeTests
{
    private const int FramesEach = 20_000;

    /// <summary>On the way at a time, of each sender: less than any queue between has room for.</summary>
    private const int Window = 200;

    public NativeSkbModeTests() => Privileges.RequireBpf();

    /// <summary>
    /// There several processors may be at work on one queue: two senders over two interfaces of the bridge. All frames arrive,
    /// whole, once, and each sender's in order.
    /// </summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void TwoSendersAtOnceLoseNothing(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        lab.Left.CreateVeth("w0", "w1", lab.Right);
        lab.Right.DisableIpv6("w1");
        lab.Left.CreateBridge("br0");
        lab.Left.DisableIpv6("br0");
        lab.Left.SetMac("br0", VethLab.RightMac);
        foreach (string member in (string[])["v0", "w0"])
        {
            lab.Left.SetMaster(member, "br0");
            lab.Left.SetUp(member);
        }
        lab.Right.SetUp("w1");
        lab.Left.SetUp("br0");
        using NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:br0", engine: lab.Engine));
        Assert.Contains("XDP program behind the driver", port.Info.Mode);
        using NetmapEngine far = new(NativeLab.Options);
        using NetmapPort first = lab.Right.Run(() => NetmapPort.Open("netmap:v1", engine: far));
        using NetmapPort second = lab.Right.Run(() => NetmapPort.Open("netmap:w1", engine: far));
        int[] received = new int[2];
        using CancellationTokenSource stop = new();
        Thread[] senders = [.. new[] { first, second }.Select((from, id) => new Thread(() => Send(from, id, received, stop.Token)))];
        foreach (Thread sender in senders)
            sender.Start();
        try
        {
            while (received.Sum() < 2 * FramesEach)
            {
                Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
                foreach (RxFrame frame in port.RxRings[0])
                    Check(frame, received);
            }
        }
        finally
        {
            stop.Cancel();
            Array.ForEach(senders, sender => sender.Join());
        }
        Assert.Equal([FramesEach, FramesEach], received);
        Assert.Equal((2 * FramesEach, 0), (port.GetStatistics().Rx[0].Packets, port.GetStatistics().Rx[0].FastPackets));
        Assert.Empty(port.GetStatistics().Rx[0].Drops);
    }

    [Fact]
    public void AFilterTakesItsFramesAndAConversationGoesOn()
    {
        using VethLab lab = NativeLab.CreateMacvlan();
        using TcpConversation shell = new(lab.Right, lab.Left, "10.9.0.1", 22);
        shell.Type(1);
        using NetmapPort port = NativeLab.OpenMacvlan(lab, options: new NetmapPortOptions { Filter = "udp dst port 4789" });
        Assert.Contains("XDP program behind the driver", port.Info.Mode);
        Assert.Contains("udp dst port 4789", port.Info.Mode);
        using Socket sender = lab.Right.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        for (int i = 0; i < 200; i++)
        {
            sender.SendTo([(byte)i], new IPEndPoint(IPAddress.Parse("10.9.0.1"), 4789));
            shell.Type((byte)i);
            Assert.Equal(i, NativeLab.One(port)[^1]);
        }
        shell.Exchange(4 << 20);
        RingStatistics rx = port.GetStatistics().Rx[0];
        Assert.Equal((200, 0), (rx.Packets, rx.Drops.Count));
    }

    private static void Check(RxFrame frame, int[] received)
    {
        int number = BinaryPrimitives.ReadInt32BigEndian(frame.Data[14..]);
        int sender = number / FramesEach;
        Assert.InRange(sender, 0, 1);
        Assert.Equal(received[sender], number % FramesEach);
        Assert.True(frame.Data.SequenceEqual(TestFrame.Varied(number)), $"frame {number}");
        Volatile.Write(ref received[sender], received[sender] + 1);
    }

    private static void Send(NetmapPort port, int id, int[] received, CancellationToken stop)
    {
        for (int sent = 0; sent < FramesEach && !stop.IsCancellationRequested;)
        {
            int until = Math.Min(Volatile.Read(ref received[id]) + Window, FramesEach);
            if (sent == until)
                Thread.Yield();
            while (sent < until && port.TxRings[0].TrySend(TestFrame.Varied((id * FramesEach) + sent)))
                sent++;
            port.TxSync();
        }
    }
}
