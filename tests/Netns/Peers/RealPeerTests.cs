using System.Net;
using Netmap.Cli.Demo;

namespace Netmap.Tests.Netns.Peers;

/// <summary>Programs that know nothing of netmap, on the other end of the wire.</summary>
public sealed class RealPeerTests
{
    [Fact]
    public void FramesFromTcpreplayArriveByteForByte()
    {
        Peer.Require("tcpreplay", "tcpreplay");
        using VethLab lab = new();
        byte[][] frames = [.. Enumerable.Range(0, 500).Select(i => TestFrame.Numbered(i, 60 + (i * 2)))];
        string file = Path.GetTempFileName();
        Pcap.Write(file, frames);
        using NetmapPort port = lab.OpenLeft();
        using Peer replay = Peer.Start(lab.Right, "tcpreplay", "-i", "v1", "--pps=5000", file);
        List<byte[]> got = Receive(port, frames.Length);
        replay.Finish();
        File.Delete(file);
        Assert.Equal(frames.Length, got.Count);
        for (int i = 0; i < frames.Length; i++)
            Assert.Equal(frames[i], got[i]);
    }

    [Fact]
    public void OurFramesAreSeenByTcpdumpByteForByte()
    {
        Peer.Require("tcpdump", "tcpdump");
        Assert.SkipUnless(Privileges.HasBpf, "tcpdump cannot give up its privileges inside a user namespace: run the tests as root");
        using VethLab lab = new();
        string file = Path.GetTempFileName();
        using NetmapPort port = lab.OpenLeft();
        using Peer dump = Peer.Start(lab.Right, "tcpdump", "-i", "v1", "-c", "1000", "-B", "32768", "-w", file, "-U", "-Z", "root", "--immediate-mode", "ether", "proto", "0x88b5");
        byte[][] frames = [.. Enumerable.Range(0, 1000).Select(i => TestFrame.Numbered(i, 60 + i))];
        WaitForCapture(lab, file);
        int sent = 0;
        while (sent < frames.Length)
        {
            for (int burst = 0; burst < 100 && sent < frames.Length && port.TxRings[0].TrySend(frames[sent]); burst++)
                sent++;
            port.TxSync();
            Thread.Sleep(1);
        }
        dump.Finish();
        List<byte[]> seen = Pcap.Read(file);
        File.Delete(file);
        Assert.Equal(frames.Length, seen.Count);
        for (int i = 0; i < frames.Length; i++)
            Assert.Equal(frames[i], seen[i]);
    }

    [Fact]
    public void AFloodOfTenThousandPingsIsAnsweredToTheLast()
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new();
        lab.Right.AddAddress("v1", "10.9.0.2/24");
        using NetmapPort port = lab.OpenLeft();
        using CancellationTokenSource done = new();
        EchoResponder responder = new([2, 0, 0, 0, 0, 1], IPAddress.Parse("10.9.0.1").GetAddressBytes());
        long answered = 0;
        Thread serving = new(() => answered = responder.Serve(port, done.Token));
        serving.Start();
        string words = Peer.Run(lab.Right, "ping", "-f", "-q", "-c", "10000", "10.9.0.1");
        done.Cancel();
        serving.Join();
        Assert.Contains("10000 packets transmitted, 10000 received", words);
        // The ARP request before them too.
        Assert.InRange(answered, 10001, 10010);
    }

    [Fact]
    public void WithThePortOpenTheHostSeesNothing()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new VethLab().WithAddresses();
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "1", "-W", "2", "10.9.0.1"));
        using (NetmapPort port = lab.OpenLeft())
        {
            Assert.Contains("100% packet loss", Peer.Run(lab.Right, "ping", "-c", "2", "-i", "0.2", "-W", "1", "10.9.0.1"));
            port.RxSync();
            Assert.Equal(2, port.RxRings[0].Available);
            Assert.True(port.Info.TakesFromHost);
        }
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "1", "-W", "2", "10.9.0.1"));
    }

    /// <summary>tcpdump has opened its socket: the namespace lists it.</summary>
    private static void WaitForCapture(VethLab lab, string file)
    {
        for (int i = 0; i < 500; i++)
        {
            if (new FileInfo(file).Length >= 24 && lab.Right.Run(() => File.ReadAllLines("/proc/thread-self/net/packet").Length > 1))
                return;
            Thread.Sleep(10);
        }
        Assert.Fail("tcpdump did not start capturing");
    }

    private static List<byte[]> Receive(NetmapPort port, int count)
    {
        List<byte[]> frames = [];
        while (frames.Count < count && port.Poll(PollEvents.Receive, VethLab.Soon) == PollEvents.Receive)
        {
            foreach (RxFrame frame in port.RxRings[0])
            {
                byte[] copy = new byte[frame.Length];
                frame.CopyTo(copy);
                frames.Add(copy);
            }
        }
        return frames;
    }
}
