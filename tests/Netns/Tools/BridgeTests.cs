using System.Text.Json;
using Netmap.Cli.Bridge;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Tools;

/// <summary>Two kernels joined by nothing but <c>netmap bridge</c>.</summary>
public sealed class BridgeTests
{
    [Theory]
    [InlineData(false, 1, AdapterMode.Best)]
    [InlineData(false, 1, AdapterMode.Generic)]
    [InlineData(true, 1, AdapterMode.Best)]
    [InlineData(false, 2, AdapterMode.Best)]
    public void TwoHostsPingAndTransferThroughIt(bool copy, int queues, AdapterMode mode)
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using MiddleLab lab = new(new() { Queues = queues });
        using Running bridge = new(lab.Middle, new() { First = "netmap:m0", Second = "netmap:m1", Copy = copy }, mode);
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "50", "-i", "0.01", "-W", "5", "10.9.0.2"));
        lab.CheckTransfer(64 << 20);
        Assert.Equal(0, bridge.Stop());
    }

    [Fact]
    public void Iperf3RunsThroughItByTcpAndUdp()
    {
        Privileges.RequireBpf();
        Peer.Require("iperf3", "iperf3");
        using MiddleLab lab = new();
        using Running bridge = new(lab.Middle, new() { First = "netmap:m0", Second = "netmap:m1" });
        JsonElement tcp = Iperf(lab, "-t", "2");
        Assert.True(tcp.GetProperty("sum_received").GetProperty("bytes").GetInt64() > 1 << 20, tcp.ToString());
        JsonElement udp = Iperf(lab, "-u", "-b", "20M", "-t", "2").GetProperty("sum");
        long packets = udp.GetProperty("packets").GetInt64();
        Assert.True(packets > 1000 && udp.GetProperty("lost_packets").GetInt64() < packets, udp.ToString());
        Assert.Equal(0, bridge.Stop());
    }

    [Fact]
    public void APortThatGoesAwayEndsItWithWords()
    {
        Privileges.RequireBpf();
        using MiddleLab lab = new();
        using Running bridge = new(lab.Middle, new() { First = "netmap:m0", Second = "netmap:m1" });
        // It runs once something came through.
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "1", "-W", "20", "10.9.0.2"));
        lab.Middle.Delete("m1");
        Assert.Equal(1, bridge.Wait());
    }

    private static JsonElement Iperf(MiddleLab lab, params string[] arguments)
    {
        using Peer server = Peer.Start(lab.Right, "iperf3", "-s", "-1", "--forceflush");
        string words = "";
        for (int attempt = 0; attempt < 50; attempt++)
        {
            words = Peer.Run(lab.Left, "iperf3", ["-c", "10.9.0.2", "-J", .. arguments]);
            if (!words.Contains("unable to connect"))
                break;
            Thread.Sleep(100);
        }
        server.Finish();
        JsonElement report = JsonDocument.Parse(words).RootElement;
        Assert.True(report.GetProperty("end").EnumerateObject().Any(), words);
        return report.GetProperty("end");
    }

    /// <summary>A bridge on a thread of its own in a namespace.</summary>
    private sealed class Running : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly NetmapEngine _engine;
        private readonly Task<int> _run;

        public Running(NetworkNamespace space, BridgeOptions options, AdapterMode mode = AdapterMode.Best)
        {
            _engine = new(new NetmapEngineOptions { AdapterMode = mode });
            _run = Task.Factory.StartNew(
                () => space.Run(() => new BridgeRun(options with { Json = true }, _engine).Execute(_stop.Token)), TaskCreationOptions.LongRunning);
        }

        public int Stop()
        {
            _stop.Cancel();
            return Wait();
        }

        public int Wait()
        {
            Assert.True(_run.Wait(TimeSpan.FromSeconds(30)), "the bridge does not end");
            return _run.Result;
        }

        public void Dispose()
        {
            _stop.Cancel();
            _run.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
            _engine.Dispose();
        }
    }
}
