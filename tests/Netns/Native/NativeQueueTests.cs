using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>Several queues: what a host sends spreads over all rings, flow by flow, and what becomes of queues that come and go.</summary>
public sealed class NativeQueueTests
{
    private const int Flows = 64;
    private const int Rounds = 50;
    private const int UdpPayload = 42;

    public NativeQueueTests() => Privileges.RequireBpf();

    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AllFourRingsReceiveAndEachFlowKeepsItsRingAndOrder(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear, queues: 4).WithAddresses();
        using NetmapPort port = lab.OpenLeft();
        Assert.Equal(4, port.RxRings.Count);
        List<Socket> senders = OpenFlows(lab.Right);
        int[] ringOf = [.. Enumerable.Repeat(-1, Flows)];
        int[] next = new int[Flows];
        for (int round = 0; round < Rounds; round++)
        {
            SendRound(senders, round);
            for (int left = Flows; left > 0;)
            {
                Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
                left -= Take(port, (flow, number, ring) =>
                {
                    ringOf[flow] = ringOf[flow] < 0 ? ring : ringOf[flow];
                    Assert.Equal((ringOf[flow], next[flow]++), (ring, number));
                });
            }
        }
        senders.ForEach(sender => sender.Dispose());
        Assert.Equal([0, 1, 2, 3], ringOf.Distinct().Order());
        Assert.All(next, count => Assert.Equal(Rounds, count));
        PortStatistics statistics = port.GetStatistics();
        Assert.Empty(statistics.Drops);
        Assert.Equal(Flows * Rounds, statistics.Rx.Sum(ring => ring.Packets));
    }

    /// <summary>An open port has the rings it had: frames of a queue that came later are the host's.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void QueuesAddedLaterGoToTheHostAndAReopenedPortHasThem(NativeGear gear)
    {
        Peer.Require("ethtool", "ethtool");
        using VethLab lab = NativeLab.Create(gear, queues: 4).WithAddresses();
        Assert.Equal("", Peer.Run(lab.Left, "ethtool", "-L", "v0", "rx", "2"));
        using Socket host = lab.Left.Run(() => Bound(9));
        List<Socket> senders = OpenFlows(lab.Right);
        NetmapPort port = lab.OpenLeft();
        Assert.Equal(2, port.RxRings.Count);
        Assert.Equal("", Peer.Run(lab.Left, "ethtool", "-L", "v0", "rx", "4"));
        SendRound(senders, 0);
        HashSet<int> taken = [];
        while (port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(100)) != PollEvents.None)
            Take(port, (flow, _, _) => Assert.True(taken.Add(flow)));
        HashSet<int> kept = TakeFromHost(host);
        Assert.NotEmpty(taken);
        Assert.NotEmpty(kept);
        Assert.Equal(Enumerable.Range(0, Flows), taken.Concat(kept).Order());
        Assert.Empty(port.GetStatistics().Drops);
        port.Dispose();
        using NetmapPort again = lab.OpenLeft();
        Assert.Equal(4, again.RxRings.Count);
        senders.ForEach(sender => sender.Dispose());
    }

    /// <summary>The kernel refuses to take away a queue that a socket is bound to: the port keeps its rings and goes on.</summary>
    [Fact]
    public void QueuesInUseCannotBeTakenAwayAndCanOnceThePortIsClosed()
    {
        Peer.Require("ethtool", "ethtool");
        using VethLab lab = NativeLab.Create(queues: 4, engine: NativeLab.Options with { BufferCount = 2 * NativeLab.Buffers });
        using NetmapPort right = lab.OpenRight();
        using (NetmapPort left = lab.OpenLeft())
        {
            Assert.NotEqual("", Peer.Run(lab.Left, "ethtool", "-L", "v0", "rx", "2"));
            Assert.Equal(4, RxChannels(lab));
            for (int ring = 0; ring < 4; ring++)
            {
                NativeLab.Send(right, ring, ring: ring);
                Assert.Equal(TestFrame.Numbered(ring, 60), NativeLab.One(left, ring));
            }
        }
        // The kernel lets go of a closed socket's queue a moment later.
        Assert.True(SpinWait.SpinUntil(() => Peer.Run(lab.Left, "ethtool", "-L", "v0", "rx", "2").Length == 0, VethLab.Soon));
        Assert.Equal(2, RxChannels(lab));
        using NetmapPort again = lab.OpenLeft();
        Assert.Equal(2, again.RxRings.Count);
    }

    private static int RxChannels(VethLab lab) => lab.Left.Run(() =>
    {
        using SafeDescriptor control = InterfaceQuery.OpenSocket();
        return EthtoolQuery.Channels(control.Fd, "v0").Rx;
    });

    private static Socket Bound(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        return socket;
    }

    /// <summary>Sockets stay: the kernel chooses a queue for each once.</summary>
    private static List<Socket> OpenFlows(NetworkNamespace from) => from.Run(() => Enumerable.Range(0, Flows).Select(_ =>
    {
        Socket socket = Bound(0);
        socket.Connect(IPAddress.Parse("10.9.0.1"), 9);
        return socket;
    }).ToList());

    /// <summary>A datagram of each flow, which says its flow and number.</summary>
    private static void SendRound(List<Socket> flows, int number)
    {
        byte[] data = new byte[8];
        for (int flow = 0; flow < flows.Count; flow++)
        {
            BinaryPrimitives.WriteInt32BigEndian(data, flow);
            BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(4), number);
            flows[flow].Send(data);
        }
    }

    private static int Take(NetmapPort port, Action<int, int, int> saw)
    {
        int frames = 0;
        foreach (RxRing ring in port.RxRings)
        {
            foreach (RxFrame frame in ring)
            {
                ReadOnlySpan<byte> data = frame.Data[UdpPayload..];
                saw(BinaryPrimitives.ReadInt32BigEndian(data), BinaryPrimitives.ReadInt32BigEndian(data[4..]), ring.Index);
                frames++;
            }
        }
        return frames;
    }

    private static HashSet<int> TakeFromHost(Socket host)
    {
        HashSet<int> flows = [];
        byte[] data = new byte[8];
        while (host.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead))
        {
            host.Receive(data);
            Assert.True(flows.Add(BinaryPrimitives.ReadInt32BigEndian(data)));
        }
        return flows;
    }
}
