using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Netmap.Links;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Filters;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>Filters through a server and from the tools, each a process of its own, beside a conversation of the host.</summary>
public sealed class FilterTests : IDisposable
{
    private const string Tunnels = "udp dst port 4789";

    private readonly string _folder = Directory.CreateTempSubdirectory("netmapd").FullName;

    private string Host => Path.Combine(_folder, "sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Tunnels come to a client of netmapd; a conversation of the host goes on, also while the client is killed or ends.</summary>
    [Theory]
    [InlineData("admode=1", "native")]
    [InlineData("admode=2", "generic")]
    public void AClientOfAServerTakesTunnelsAndAConversationGoesOn(string mode, string adapter)
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using Socket host = lab.Left.Run(() => Bound(4789));
        using Peer server = Start(lab.Left, mode);
        using TcpConversation shell = new(lab.Right, lab.Left, "10.9.0.1", 22);
        using (NetmapPort port = NetmapPort.Open("netmap:v0", new() { Host = Host, Filter = Tunnels }))
        {
            Assert.Equal((adapter, Tunnels), (port.Info.Adapter, port.Info.Filter));
            using Socket sender = Sender(lab);
            for (int i = 0; i < 200; i++)
            {
                Send(sender, (byte)i);
                shell.Type((byte)i);
                Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
                Assert.True(port.RxRings[0].TryPeek(out RxFrame frame));
                Assert.Equal(i, frame.Data[^1]);
                port.RxRings[0].Advance(1);
            }
            shell.Exchange(4 << 20);
            Assert.Equal(200, port.GetStatistics().Rx[0].Packets);
            Assert.Equal(0, host.Available);
            NetmapException refused = Assert.Throws<NetmapException>(() => NetmapPort.Open("netmap:v0", new() { Host = Host, Filter = "tcp" }));
            Assert.Equal("EBUSY", refused.ErrorName);
            Assert.Contains(Tunnels, refused.Message);
            CheckInfo(lab, adapter);
        }
        shell.Type(1);
    }

    /// <summary>The tools filter alike, on their own engine and on a server's.</summary>
    [Theory]
    [InlineData("--admode", "native", "--gear", "plain")]
    [InlineData("--admode", "native")]
    [InlineData("--admode", "generic")]
    [InlineData("--host", "")]
    public void PktGenReceivesWhatItAskedFor(params string[] how)
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using Peer? server = how[0] == "--host" ? Start(lab.Left, "admode=0") : null;
        using TcpConversation shell = new(lab.Right, lab.Left, "10.9.0.1", 22);
        how = [.. how.Select(word => word.Length == 0 ? Host : word)];
        using Peer receiver = Tool.Start(lab.Left, ["pkt-gen", "-i", "netmap:v0", "-f", "rx", "-n", "100", "-w", "0", "--json", "--filter", Tunnels, .. how]);
        using Socket host = lab.Left.Run(() => Bound(4789));
        using Socket sender = Sender(lab);
        // Until the tool has the port the host has them all.
        while (Reaches(host, sender))
            shell.Type(7);
        for (int i = 0; i < 120; i++)
        {
            Send(sender, (byte)i);
            shell.Type((byte)i);
        }
        JsonElement report = JsonDocument.Parse(receiver.Finish()).RootElement;
        Assert.Equal(0, receiver.ExitCode);
        Assert.InRange(report.GetProperty("packets").GetInt32(), 100, 200);
        shell.Exchange(1 << 20);
    }

    /// <summary>Without the right to load programs the packet socket filters; the host's stack sees the frames too, as the mode says.</summary>
    [Fact]
    public void WhereEbpfIsRefusedThePortHasItsFramesAndSaysThatTheHostHasThemToo()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab().WithAddresses();
        using TcpConversation shell = new(lab.Right, lab.Left, "10.9.0.1", 22);
        using Peer receiver = Peer.Start(lab.Left, "setpriv", "--bounding-set", "-all,+net_raw,+net_admin", "--inh-caps", "-all",
            "dotnet", Tool.Path, "pkt-gen", "-i", "netmap:v0", "-f", "rx", "-n", "50", "-w", "0", "--filter", Tunnels);
        using Socket host = lab.Left.Run(() => Bound(4789));
        using Socket sender = Sender(lab);
        int sent = 0;
        for (; !receiver.HasExited && sent < 3000; sent++)
        {
            Send(sender, (byte)sent);
            shell.Type((byte)sent);
            Assert.Equal(1, host.Receive(new byte[8]));
            Thread.Sleep(5);
        }
        string said = receiver.Finish();
        Assert.Equal(0, receiver.ExitCode);
        Assert.Contains($"beside the host, for the port only: {Tunnels}", said);
        Assert.Contains("EPERM", said);
        Assert.Contains("Received 50 packets", said);
    }

    [Fact]
    public void WithoutLibpcapOneLineNamesThePackage()
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        string said = Peer.Run(lab.Left, "unshare", "-m", "sh", "-c", "for f in $(ldconfig -p | sed -n 's/.*libpcap.so.* => //p'); do mount --bind /dev/null $f; done; "
            + $"dotnet {Tool.Path} pkt-gen -i netmap:v0 --filter udp; echo $?");
        Assert.Equal("1\nnetmap: filter v0: filter expressions need libpcap: apt-get install libpcap0.8 (ENOENT)\n", said);
    }

    [Theory]
    [InlineData(1, "syntax error", "pkt-gen", "-i", "v0", "--filter", "udp port")]
    [InlineData(1, "syntax error", "bridge", "v0", "vale0:a", "--filter", "udp port")]
    [InlineData(1, "syntax error", "lb", "-i", "v0", "--filter", "udp port")]
    [InlineData(1, "no host rings", "bridge", "v0", "--filter", "udp")]
    [InlineData(2, "--filter is for network interfaces", "pkt-gen", "-i", "vale0:a", "--filter", "udp")]
    [InlineData(2, "--admode some is none of best native generic", "pkt-gen", "-i", "v0", "--admode", "some")]
    [InlineData(2, "--gear 5 is none of auto plain fast", "bridge", "v0", "--gear", "5")]
    [InlineData(2, "netmap param native_gear=", "lb", "-i", "v0", "--gear", "fast", "--host", "@nobody")]
    public void WhatCannotBeIsOneLine(int code, string words, params string[] command)
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        using Peer tool = Tool.Start(lab.Left, command);
        string said = tool.Finish();
        Assert.Equal(code, tool.ExitCode);
        Assert.StartsWith("netmap: ", said);
        Assert.Contains(words, said);
        Assert.Single(said.TrimEnd().Split('\n'));
    }

    /// <summary>The tools tell of a port that a client of the server has open.</summary>
    private void CheckInfo(VethLab lab, string adapter)
    {
        JsonElement info = JsonDocument.Parse(Tool.Run(lab.Left, "info", "v0", "--host", Host, "--json")).RootElement;
        Assert.Equal((adapter, Tunnels), (info.GetProperty("adapter").GetString(), info.GetProperty("filter").GetString()));
        Assert.Equal(200, info.GetProperty("statistics").GetProperty("rx")[0].GetProperty("packets").GetInt32());
        Assert.All(info.GetProperty("programs").EnumerateArray(), program => Assert.True(program.GetProperty("program_id").GetInt32() > 0 && program.GetProperty("link_id").GetInt32() > 0));
        Assert.Equal(["tx", "rx"], info.GetProperty("queues").EnumerateArray().Select(queue => queue.GetProperty("direction").GetString()!));
        string text = Tool.Run(lab.Left, "info", "v0", "--host", Host);
        Assert.Contains(Tunnels, text);
        Assert.Contains("200 packets", text);
        string probe = Tool.Run(lab.Left, "probe", "v0", "--host", Host, "--json").TrimEnd().Split('\n')[^1];
        Assert.StartsWith($"open now: {adapter}", JsonDocument.Parse(probe).RootElement.GetProperty("consequence").GetString());
    }

    private Peer Start(NetworkNamespace space, string mode) =>
        Tool.Serve(space, Host, "--set", mode, "--set", "buf_num=16384");

    /// <summary>One datagram, and whether the host's stack gives it to its socket.</summary>
    private static bool Reaches(Socket host, Socket sender)
    {
        Send(sender, 1);
        bool reached = host.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead);
        if (reached)
            host.Receive(new byte[8]);
        return reached;
    }

    private static void Send(Socket sender, byte value) => sender.SendTo([value], new IPEndPoint(IPAddress.Parse("10.9.0.1"), 4789));

    private static Socket Sender(VethLab lab) => lab.Right.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));

    private static Socket Bound(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 10_000 };
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        return socket;
    }
}
