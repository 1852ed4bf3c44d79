using System.Text.Json;
using Netmap.Links;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>netmap in another process: what it does to the host, and what is left when it is killed.</summary>
public sealed class ProcessTests
{
    [Fact]
    public void AKilledProcessGivesTheHostItsTrafficBackAtOnce()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new VethLab().WithAddresses();
        using Peer receiver = Tool.Start(lab.Left, "pkt-gen", "-i", "v0", "-f", "rx");
        WaitUntilTaken(lab);
        receiver.Kill();
        receiver.Finish();
        Assert.Contains(" 0% packet loss", Ping(lab, "5"));
        Assert.Equal(1, lab.Left.Run(() => File.ReadAllLines("/proc/thread-self/net/packet").Length));
    }

    [Fact]
    public void TwoProcessesExchangeNumberedFrames()
    {
        using VethLab lab = new();
        using Peer receiver = Tool.Start(lab.Left, "pkt-gen", "-i", "v0", "-f", "rxseq", "-n", "20000", "-W", "--json");
        WaitForSockets(lab.Left);
        string sent = Tool.Run(lab.Right, "pkt-gen", "-i", "v1", "-f", "txseq", "-n", "20000", "-R", "50000", "--json");
        string received = receiver.Finish();
        Assert.Equal(20000, Json(sent).GetProperty("packets").GetInt64());
        Assert.Equal(20000, Json(received).GetProperty("packets").GetInt64());
        Assert.Equal((0, 0), (Json(received).GetProperty("gaps").GetInt32(), Json(received).GetProperty("out_of_order").GetInt32()));
    }

    [Fact]
    public void PingAndPongMeasureRoundTrips()
    {
        using VethLab lab = new();
        using Peer pong = Tool.Start(lab.Left, "pkt-gen", "-i", "v0", "-f", "pong", "-n", "500");
        WaitForSockets(lab.Left);
        JsonElement report = Json(Tool.Run(lab.Right, "pkt-gen", "-i", "v1", "-f", "ping", "-n", "500", "--json"));
        Assert.Equal((500, 0), (report.GetProperty("packets").GetInt32(), report.GetProperty("lost").GetInt32()));
        Assert.Equal(500, report.GetProperty("rtt").GetProperty("count").GetInt32());
        Assert.Contains("Answered 500 packets", pong.Finish());
    }

    [Theory]
    [InlineData("null")]
    [InlineData("tap7")]
    public void PktGenMakesNullAndTapPorts(string port)
    {
        using VethLab lab = new();
        JsonElement report = Json(Tool.Run(lab.Left, "pkt-gen", "-i", port, "-f", "tx", "-n", "3000", "--json"));
        Assert.Equal(3000, report.GetProperty("packets").GetInt32());
        Assert.Equal(port == "null", report.GetProperty("dropped").TryGetProperty("sent", out JsonElement sent) && sent.TryGetProperty("nobody_receives", out _));
    }

    [Fact]
    public void AToolWhoseReaderHasGoneEnds()
    {
        using VethLab lab = new();
        string status = Peer.Run(lab.Left, "bash", "-c", $"dotnet {Tool.Path} pkt-gen -i null -f tx -T 20 | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        Assert.Equal("141", status.Trim());
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void AnInterruptedRunStillReports(string signal)
    {
        using VethLab lab = new();
        using Peer receiver = Tool.Start(lab.Left, "pkt-gen", "-i", "v0", "-f", "rx", "--json");
        WaitForSockets(lab.Left);
        Peer.Run(lab.Left, "sh", "-c", $"kill -{signal} {receiver.Id}");
        Assert.Equal(0, Json(receiver.Finish()).GetProperty("packets").GetInt32());
    }

    [Fact]
    public void TheDemoEndsWellAndSaysHowItRan()
    {
        using NetworkNamespace here = Here();
        JsonElement report = Json(Tool.Run(here, "demo", "--json", "--frames", "50000", "--pings", "50"));
        Assert.True(report.GetProperty("ok").GetBoolean(), report.ToString());
        Assert.Equal(Privileges.HasBpf ? ("native", "xdp") : ("generic", "packet"), (report.GetProperty("adapter").GetString(), report.GetProperty("device").GetString()));
        Assert.Equal((50, 0), (report.GetProperty("ping_sent").GetInt32(), report.GetProperty("ping_lost").GetInt32()));
        Assert.True(report.GetProperty("tx_mpps").GetDouble() > 0);
        Assert.True(report.GetProperty("received").GetInt64() <= report.GetProperty("sent").GetInt64());
    }

    [Theory]
    [InlineData("info nosuch0", 1, "ENXIO")]
    [InlineData("info netmap:v0-x", 1, "character 11 'x'")]
    [InlineData("pkt-gen -i nosuch0", 1, "ENXIO")]
    [InlineData("pkt-gen -i v0 -f walk", 2, "-f walk")]
    [InlineData("pkt-gen -i v0 -l 9", 2, "-l 9")]
    [InlineData("pkt-gen -i v0 -n many", 2, "-n many is not a number")]
    [InlineData("pkt-gen", 2, "-i")]
    [InlineData("fly", 2, "fly")]
    public void BadInputIsOneLineAndAnExitCode(string command, int code, string words)
    {
        using VethLab lab = new();
        string output = lab.Left.Run(() =>
        {
            using Peer peer = Tool.Start(lab.Left, command.Split(' '));
            string text = peer.Finish();
            Assert.Equal(code, peer.ExitCode);
            return text;
        });
        Assert.Contains(words, output);
        Assert.Single(output.Trim().Split('\n'));
        Assert.DoesNotContain("   at ", output);
    }

    [Fact]
    public void InfoAndProbeSpeakJson()
    {
        using VethLab lab = new();
        JsonElement info = Json(Tool.Run(lab.Left, "info", "v0", "--json"));
        Assert.Equal(("veth", 1500), (info.GetProperty("driver").GetString(), info.GetProperty("mtu").GetInt32()));
        string[] lines = Tool.Run(lab.Left, "probe", "--json").Trim().Split('\n');
        Assert.Contains(lines, line => Json(line).GetProperty("feature").GetString() == "packet rings" && Json(line).GetProperty("available").GetBoolean());
        Assert.All(lines, line => Assert.True(Json(line).GetProperty("available").GetBoolean() || Json(line).GetProperty("reason").GetString()!.Length > 0));
    }

    [Fact]
    public void AnOrdinaryUserRunsTheDemoInANamespaceOfItsOwn()
    {
        Assert.SkipUnless(Privileges.HasBpf, "only root becomes somebody else: run the tests as root");
        using NetworkNamespace here = Here();
        string output = Tool.RunAsNobody(here, "demo", "--json", "--frames", "20000", "--pings", "20");
        JsonElement report = Json(output.Split('\n').Last(line => line.StartsWith('{')));
        Assert.True(report.GetProperty("ok").GetBoolean(), output);
        Assert.Equal("packet", report.GetProperty("device").GetString());
        Assert.Contains("beside the host", output);
    }

    [Fact]
    public void TheExamplesDoWhatTheySay()
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new();
        lab.Right.AddAddress("v1", "10.9.0.2/24");
        using (Peer responder = Tool.Example(lab.Left, "EchoResponder", "netmap:v0", "10.9.0.1"))
        {
            WaitForSockets(lab.Left);
            Assert.Contains("100 received", Peer.Run(lab.Right, "ping", "-q", "-c", "100", "-i", "0.002", "10.9.0.1"));
        }
        string file = Path.GetTempFileName();
        using Peer receiver = Peer.Start(lab.Left, "sh", "-c", $"exec dotnet {Path.Combine(AppContext.BaseDirectory, "Receiver.dll")} netmap:v0 > {file}");
        WaitForSockets(lab.Left);
        using Peer sender = Tool.Example(lab.Right, "Sender", "netmap:v1", "500");
        Assert.Contains("500 frames", sender.Finish());
        for (int i = 0; i < 1000 && File.ReadLines(file).Count() < 501; i++)
            Thread.Sleep(10);
        Peer.Run(lab.Left, "sh", "-c", $"kill -TERM {receiver.Id}");
        receiver.Finish();
        string received = File.ReadAllText(file);
        File.Delete(file);
        Assert.Contains("ring 0: 60 bytes in 1 slots, FFFFFFFFFFFF02000000000188B5", received);
        Assert.Contains("\n500 frames", received);
        Assert.Contains("EINVAL", Tool.Example(lab.Left, "Sender", "eth0").Finish());
    }

    private static NetworkNamespace Here()
    {
        Privileges.RequireNamespaces();
        return NetworkNamespace.Current();
    }

    private static string Ping(VethLab lab, string count) =>
        Peer.Run(lab.Right, "ping", "-c", count, "-i", "0.05", "-W", "1", "10.9.0.1");

    private static void WaitUntilTaken(VethLab lab)
    {
        // By time: on a quiet machine a hundred pings are answered before the receiver has started.
        long started = Environment.TickCount64;
        while (Environment.TickCount64 - started < VethLab.Soon.TotalMilliseconds)
        {
            if (Ping(lab, "1").Contains("100% packet loss"))
                return;
        }
        Assert.Fail("the receiver never took the traffic");
    }

    /// <summary>The receiver is there: it has a packet socket, or an XDP program on <c>v0</c>.</summary>
    private static void WaitForSockets(NetworkNamespace space)
    {
        for (int i = 0; i < 1000; i++)
        {
            if (space.Run(() => File.ReadAllLines("/proc/thread-self/net/packet").Length > 1 || Peer.Run(space, "ip", "link", "show", "v0").Contains("xdp")))
            {
                Thread.Sleep(50);
                return;
            }
            Thread.Sleep(10);
        }
        Assert.Fail("neither a packet socket nor an XDP program appeared");
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text.Trim().Split('\n').Last(line => line.StartsWith('{'))).RootElement;
}
