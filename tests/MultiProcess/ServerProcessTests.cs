using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Netmap.Links;
using Netmap.Server;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>A netmap server and its clients, each a process of its own.</summary>
public sealed class ServerProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("netmapd").FullName;

    private string Host => Path.Combine(_folder, "sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("netmap:two{1", "netmap:two}1", 20000)]
    // No more than the receiver's ring holds: a switch drops what does not fit.
    [InlineData("vale0:a", "vale0:b", 1000)]
    public void TwoProcessesExchangeNumberedFrames(string first, string second, int count)
    {
        using NetworkNamespace here = Here();
        using Peer server = Start(here);
        using Peer receiver = Tool.Start(here, "pkt-gen", "-i", second, "-f", "rxseq", "-n", count.ToString(), "-w", "0", "-W", "--json", "--host", Host);
        Await(files: 1);
        string sent = Tool.Run(here, "pkt-gen", "-i", first, "-f", "txseq", "-n", count.ToString(), "-w", "0", "--json", "--host", Host);
        string received = receiver.Finish();
        Assert.Equal(count, Json(sent).GetProperty("packets").GetInt64());
        Assert.Equal(count, Json(received).GetProperty("packets").GetInt64());
        Assert.Equal((0, 0), (Json(received).GetProperty("gaps").GetInt32(), Json(received).GetProperty("out_of_order").GetInt32()));
    }

    [Fact]
    public void AnAbstractAddressIsForTheServersOwnUserAndRoot()
    {
        Assert.SkipUnless(Privileges.HasBpf, "only root becomes somebody else: run the tests as root");
        using NetworkNamespace here = Here();
        using NetmapEngine engine = new();
        using NetmapServer server = new(engine, new() { Host = $"@netmap-test-{Environment.ProcessId}" });
        string said = Tool.RunAsNobody(here, "pkt-gen", "-i", "vale0:a", "-f", "tx", "-n", "1", "--host", server.Options.Host);
        Assert.Contains("EACCES", said);
        Assert.Single(said.Trim().Split('\n'));
        Assert.Contains("Sent 1 packets", Tool.Run(here, "pkt-gen", "-i", "vale0:a", "-f", "tx", "-n", "1", "--host", server.Options.Host));
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => new NetmapServer(engine, server.Options with { Host = "@other", Group = "root" })).ErrorName);
    }

    [Fact]
    public void AKilledClientGivesEverythingBack()
    {
        using NetworkNamespace here = Here();
        using Peer server = Start(here);
        using (Peer client = Tool.Start(here, "pkt-gen", "-i", "vale0:a/x", "-f", "tx", "-w", "0", "--host", Host))
        {
            Await(files: 1);
            Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => NetmapPort.Open("vale0:a", new() { Host = Host })).ErrorName);
            client.Kill();
            client.Finish();
        }
        Await(files: 0);
        using NetmapPort again = NetmapPort.Open("vale0:a/x", new() { Host = Host });
    }

    [Fact]
    public async Task AKilledServerIsAnErrorForItsClientsAndTheHostHasItsTrafficBack()
    {
        Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = new VethLab().WithAddresses();
        using Peer server = Start(lab.Left);
        using NetmapPort port = NetmapPort.Open("netmap:v0", new() { Host = Host });
        Task<PollEvents> reader = Task.Run(() => Wait(port), TestContext.Current.CancellationToken);
        Assert.Contains("100% packet loss", Ping(lab, "2"));
        server.Kill();
        server.Finish();
        Assert.Contains(" 0% packet loss", Ping(lab, "5"));
        Assert.Equal(PollEvents.Error, await reader.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Equal("EIO", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        Assert.Equal("EIO", Assert.Throws<NetmapException>(() => port.Info).ErrorName);
    }

    [Fact]
    public void TheServiceSaysWhenItIsReadyAndEndsCleanly()
    {
        using NetworkNamespace here = Here();
        string notify = Path.Combine(_folder, "notify");
        using Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        systemd.Bind(new UnixDomainSocketEndPoint(notify));
        using Peer server = Peer.Start(here, "env", $"NOTIFY_SOCKET={notify}", "dotnet", Tool.Path, "netmapd", "--host", Host, "--json", "--set", "buf_num=8192");
        Assert.Equal("READY=1", Receive(systemd));
        Assert.Equal("660", Peer.Run(here, "stat", "-c", "%a", Host).Trim());
        using NetmapPort port = NetmapPort.Open("vale0:a", new() { Host = Host });
        Peer.Run(here, "kill", "-TERM", server.Id.ToString());
        Assert.Equal("STOPPING=1", Receive(systemd));
        string log = server.Finish();
        Assert.Equal(0, server.ExitCode);
        Assert.False(File.Exists(Host));
        Assert.Contains(log.Trim().Split('\n'), line => Json(line).GetProperty("Message").GetString()!.StartsWith("serving at", StringComparison.Ordinal));
        Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void TheServiceSaysThatItIsAlive()
    {
        using NetworkNamespace here = Here();
        string notify = Path.Combine(_folder, "notify");
        using Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        systemd.Bind(new UnixDomainSocketEndPoint(notify));
        using Peer server = Peer.Start(here, "env", $"NOTIFY_SOCKET={notify}", "WATCHDOG_USEC=400000",
            "dotnet", Tool.Path, "netmapd", "--host", Host);
        // The first one may come before.
        List<string> heard = [.. Enumerable.Range(0, 5).Select(_ => Receive(systemd))];
        Assert.Single(heard, "READY=1");
        Assert.Equal(4, heard.Count(word => word == "WATCHDOG=1"));
    }

    [Fact]
    public void AServerServesAlsoWhereNobodyHearsThatItIsReady()
    {
        using NetworkNamespace here = Here();
        using Peer server = Tool.Answering(Peer.Start(here, "env", $"NOTIFY_SOCKET={_folder}/nobody", "dotnet", Tool.Path, "netmapd", "--host", Host), Host);
        Peer.Run(here, "kill", "-TERM", server.Id.ToString());
        server.Finish();
        Assert.Equal(0, server.ExitCode);
    }

    /// <summary>pkt-gen's frames may be as long as the server's buffers, whatever its own engine would have.</summary>
    [Theory]
    [InlineData(1024, 1500, "-l 1500 is above the buffer size of netmap:p{1@1, 1024")]
    [InlineData(4096, 4000, "Sent 1 packets 4000 bytes")]
    public void TheServersBuffersBoundTheFrames(int buffer, int length, string words)
    {
        using NetworkNamespace here = Here();
        using Peer server = Tool.Serve(here, Host, "--set", $"buf_size={buffer}");
        Assert.Contains(words, Tool.Run(here, "pkt-gen", "-i", "netmap:p{1@1", "-f", "tx", "-n", "1", "-l", $"{length}", "--host", Host));
    }

    [Fact]
    public void ParametersAreReadAndSetWhileItRuns()
    {
        using NetworkNamespace here = Here();
        using Peer server = Start(here);
        Assert.Contains("generic_mit=100000", Tool.Run(here, "param", "--host", Host));
        Assert.Equal("generic_mit=50000", Tool.Run(here, "param", "generic_mit=50000", "--host", Host).Trim());
        Assert.Equal("buf_num=4096", Tool.Run(here, "param", "buf_num=4096", "--host", Host).Trim());
        Assert.Contains("\"buf_curr_num\":4096", Tool.Run(here, "param", "--json", "--host", Host));
        using NetmapPort port = NetmapPort.Open("vale0:a@1", new() { Host = Host });
        Assert.Contains("EBUSY", Tool.Run(here, "param", "buf_num=8192", "--host", Host));
        Assert.Contains("EINVAL", Tool.Run(here, "param", "nonsense=1", "--host", Host));
        Assert.Contains("EACCES", Tool.Run(here, "param", "buf_curr_num=1", "--host", Host));
    }

    [Fact]
    public void SwitchesOfAServerShowWhatTheyCounted()
    {
        using NetworkNamespace here = Here();
        using Peer server = Start(here);
        using NetmapPort a = NetmapPort.Open("vale7:a", new() { Host = Host });
        using NetmapPort b = NetmapPort.Open("vale7:b", new() { Host = Host });
        for (int i = 0; i < 10; i++)
        {
            Assert.True(a.TxRings[0].TrySend(TestFrame.Numbered(i, 60)));
            a.TxSync();
        }
        b.RxSync();
        int received = 0;
        foreach (RxFrame frame in b.RxRings[0])
            received += frame.Length == 60 ? 1 : 0;
        Assert.Equal(10, received);
        b.RxSync();
        string words = Tool.Run(here, "vale-ctl", "-v", "--host", Host);
        Assert.Contains("vale7:a bridge_idx 0 port_idx 0", words);
        Assert.Contains("vale7:a in 10 packets 600 bytes, out 0 packets 0 bytes", words);
        Assert.Contains("vale7:b in 0 packets 0 bytes, out 10 packets 600 bytes", words);
        Assert.Contains("\"in_packets\":10", Tool.Run(here, "vale-ctl", "-v", "--json", "--host", Host));
        using HostSwitches switches = new(Host);
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => switches.GetStatistics("vale8")).ErrorName);
    }

    [Fact]
    public void ASecondServerAtTheSamePlaceIsRefusedADeadOnesPlaceIsTaken()
    {
        using NetworkNamespace here = Here();
        using Peer first = Start(here);
        Assert.Contains("EADDRINUSE", Tool.Run(here, "netmapd", "--host", Host));
        first.Kill();
        first.Finish();
        Assert.True(File.Exists(Host));
        using Peer second = Start(here);
        Assert.Contains("vale0:a", Tool.Run(here, "info", "vale0:a", "--host", Host));
    }

    private Peer Start(NetworkNamespace space) => Tool.Serve(space, Host);

    /// <summary>Waits until so many files are open, beside the one that asks.</summary>
    private void Await(int files)
    {
        int found = -1;
        for (int i = 0; i < 1000 && found != files; i++)
        {
            found = Json(NetmapHost.Status(Host)).GetProperty("files").EnumerateArray().Count(file => file.GetProperty("port").ValueKind != JsonValueKind.Null);
            Thread.Sleep(20);
        }
        Assert.Equal(files, found);
    }

    private static PollEvents Wait(NetmapPort port)
    {
        PollEvents found;
        do
        {
            found = port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30));
            foreach (RxFrame frame in port.RxRings[0])
                Assert.True(frame.Length > 0);
        }
        while (found == PollEvents.Receive);
        return found;
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }

    private static NetworkNamespace Here()
    {
        Privileges.RequireNamespaces();
        return NetworkNamespace.Current();
    }

    private static string Ping(VethLab lab, string count) =>
        Peer.Run(lab.Right, "ping", "-c", count, "-i", "0.05", "-W", "1", "10.9.0.1");

    private static JsonElement Json(string text) => JsonDocument.Parse(text.Trim().Split('\n').Last(line => line.StartsWith('{'))).RootElement;
}
