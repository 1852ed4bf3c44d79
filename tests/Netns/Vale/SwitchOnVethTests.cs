using System.Globalization;
using System.Text.Json;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Vale;

/// <summary>A real kernel on each side of a switch (spec 7): ping, TCP and UDP, checksums and super-frames included.</summary>
public sealed class SwitchOnVethTests
{
    [Fact]
    public void PingsAreAnsweredAndAddressesLearned()
    {
        Peer.Require("ping", "iputils-ping");
        using SwitchWire wire = new SwitchWire().Attached();
        string words = Peer.Run(wire.LeftSpace, "ping", "-f", "-q", "-c", "2000", "-s", "1400", SwitchWire.Right);
        Assert.Contains("2000 packets transmitted, 2000 received", words);
        Assert.Equal(["a0", "b0"], wire.Switch.ForwardingTable.Select(entry => entry.Port).Order());
        Assert.Empty(wire.Switch.GetStatistics().Drops);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TcpArrivesWithoutCorruption(bool reverse)
    {
        Peer.Require("iperf3", "iperf3");
        using SwitchWire wire = new SwitchWire().Attached();
        JsonElement end = Iperf(wire, 3, reverse ? ["-R"] : []);
        Assert.InRange(BitsPerSecond(end, "sum_received"), 100e6, double.MaxValue);
        // The kernels verified what was not on the way as a super-frame; what they refused they count.
        Assert.Equal(0, BadChecksums(wire.LeftSpace) + BadChecksums(wire.RightSpace));
        Assert.DoesNotContain(DropReason.ExceedsMtu, wire.Switch.GetStatistics().Drops.Keys);
        Assert.DoesNotContain(DropReason.Rejected, wire.Switch.GetStatistics().Drops.Keys);
    }

    [Fact]
    public void UdpArrivesWithoutCorruption()
    {
        Peer.Require("iperf3", "iperf3");
        using SwitchWire wire = new SwitchWire().Attached();
        JsonElement end = Iperf(wire, 3, "-u", "-b", "50M", "-l", "1400");
        Assert.InRange(end.GetProperty("sum").GetProperty("packets").GetInt64(), 10000, long.MaxValue);
        // A busy machine's receiver may be late; what arrives is whole.
        Assert.InRange(end.GetProperty("sum").GetProperty("lost_percent").GetDouble(), 0, 50);
        Assert.Equal(0, BadChecksums(wire.RightSpace));
    }

    [Fact]
    public void WithSeveralQueuesToo()
    {
        Peer.Require("iperf3", "iperf3");
        using SwitchWire wire = new SwitchWire(new LinkOptions { Queues = 2 }).Attached();
        JsonElement end = Iperf(wire, 2, "-P", "4");
        Assert.InRange(BitsPerSecond(end, "sum_received"), 100e6, double.MaxValue);
        Assert.Equal(0, BadChecksums(wire.RightSpace));
    }

    [Fact]
    public void AFileArrivesWithAnEqualSum()
    {
        Peer.Require("python3", "python3");
        using SwitchWire wire = new SwitchWire().Attached();
        const string Serve = "import socket,hashlib\ns=socket.create_server(('0.0.0.0',7777))\nprint('ready',flush=True)\nc,_=s.accept()\nh=hashlib.sha256()\n"
            + "while b:=c.recv(1<<16): h.update(b)\nprint(h.hexdigest())";
        const string Send = "import socket,hashlib,random\nrandom.seed(7)\nb=[random.randbytes(1<<20) for _ in range(8)]\nh=hashlib.sha256()\n"
            + "s=socket.create_connection(('10.9.1.2',7777),timeout=20)\nfor i in range(128):\n  h.update(b[i%8]); s.sendall(b[i%8])\ns.close()\nprint(h.hexdigest())";
        using Peer server = Peer.Start(wire.RightSpace, "python3", "-c", Serve);
        WaitForListener(wire.RightSpace, 7777);
        string sent = Peer.Run(wire.LeftSpace, "python3", "-c", Send).Trim();
        string received = server.Finish().Replace("ready", "", StringComparison.Ordinal).Trim();
        Assert.Equal(64, sent.Length);
        Assert.Equal(sent, received);
    }

    [Fact]
    public void ProgramsGetFinishedFramesOfTheWire()
    {
        Peer.Require("iperf3", "iperf3");
        using SwitchWire wire = new SwitchWire().Attached();
        // Broadcasts and unknown stations reach the program: static neighbours, so that nobody answers from behind it.
        using NetmapPort port = wire.Switch.Open("program");
        wire.LeftSpace.AddNeighbor("a1", SwitchWire.Right, "02:00:00:00:00:99");
        using Peer client = Peer.Start(wire.LeftSpace, "python3", "-c",
            "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\nfor i in range(50): s.sendto(bytes([i])*1000,('10.9.1.2',9))");
        int seen = 0;
        while (seen < 50)
        {
            Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxFrame frame in port.RxRings[0])
            {
                if (frame.Length != 1042)
                    continue;
                byte[] bytes = frame.Data.ToArray();
                PacketDotNet.EthernetPacket packet = new(new PacketDotNet.Utils.ByteArraySegment(bytes));
                PacketDotNet.UdpPacket udp = packet.Extract<PacketDotNet.UdpPacket>();
                Assert.True(udp.ValidUdpChecksum);
                Assert.All(udp.PayloadData, value => Assert.Equal((byte)seen, value));
                seen++;
            }
        }
        client.Finish();
    }

    /// <summary>The client's report; its end has the sums.</summary>
    private static JsonElement Iperf(SwitchWire wire, int seconds, params ReadOnlySpan<string> arguments)
    {
        using Peer server = Peer.Start(wire.RightSpace, "iperf3", "-s", "-1");
        WaitForListener(wire.RightSpace, 5201);
        string words = Peer.Run(wire.LeftSpace, "iperf3",
            ["-c", SwitchWire.Right, "-J", "-t", seconds.ToString(CultureInfo.InvariantCulture), .. arguments]);
        server.Finish();
        JsonElement report = JsonDocument.Parse(words).RootElement;
        Assert.False(report.TryGetProperty("error", out JsonElement error), error.ToString());
        return report.GetProperty("end");
    }

    private static double BitsPerSecond(JsonElement end, string sum) => end.GetProperty(sum).GetProperty("bits_per_second").GetDouble();

    private static void WaitForListener(NetworkNamespace space, int port)
    {
        string wanted = $":{port:X4} ";
        for (int i = 0; i < 2000; i++)
        {
            bool listens = space.Run(() => ((string[])["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"])
                .Where(File.Exists).Any(file => File.ReadAllLines(file).Any(line => line.Contains(wanted) && line.Contains(" 0A "))));
            if (listens)
                return;
            Thread.Sleep(10);
        }
        Assert.Fail($"nobody listens on {port}");
    }

    /// <summary>Packets a namespace's kernel refused for their checksums.</summary>
    private static long BadChecksums(NetworkNamespace space)
    {
        string[] lines = space.Run(() => File.ReadAllLines("/proc/thread-self/net/snmp"));
        return Value("Tcp:", "InCsumErrors") + Value("Udp:", "InCsumErrors") + Value("Icmp:", "InCsumErrors");

        long Value(string protocol, string counter)
        {
            string[][] rows = [.. lines.Where(line => line.StartsWith(protocol, StringComparison.Ordinal)).Select(line => line.Split(' '))];
            return long.Parse(rows[1][Array.IndexOf(rows[0], counter)], CultureInfo.InvariantCulture);
        }
    }
}
