using System.Text.Json;
using Netmap.Links;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary><c>netmap vale-ctl</c> as a process of its own: options, refusals, and a switch that lives as long as it does.</summary>
public sealed class ValeCtlTests
{
    [Fact]
    public void ASwitchForwardsUntilCtrlCAndGivesTheInterfacesBack()
    {
        Peer.Require("ping", "iputils-ping");
        Privileges.RequireNamespaces();
        using NetworkNamespace left = NetworkNamespace.Create();
        using NetworkNamespace right = NetworkNamespace.Create();
        using NetworkNamespace middle = NetworkNamespace.Create();
        Connect(middle, left, "a", "10.9.2.1/24");
        Connect(middle, right, "b", "10.9.2.2/24");
        using Peer tool = Tool.Start(middle, "vale-ctl", "-a", "vale0:a0", "-a", "vale0:b0", "-v");
        WaitForPings(left, "10.9.2.2");
        Assert.Contains("20 packets transmitted, 20 received", Peer.Run(left, "ping", "-q", "-i", "0.01", "-c", "20", "10.9.2.2"));
        Peer.Run(middle, "sh", "-c", $"kill -INT {tool.Id}");
        string words = tool.Finish();
        Assert.Equal(0, tool.ExitCode);
        Assert.Contains("attach vale0:a0: port_index 0", words);
        Assert.Contains("attach vale0:b0: port_index 1", words);
        Assert.Contains("vale0:a0, vale0:b0: hosted by this process, which goes on until Ctrl-C", words);
        Assert.Matches(@"vale0:a0 in [1-9][0-9]* packets [0-9]+ bytes, out [1-9][0-9]* packets", words);
        Assert.Contains("100% packet loss", Peer.Run(left, "ping", "-c", "1", "-W", "1", "10.9.2.2"));
        Assert.Equal(1, middle.Run(() => File.ReadAllLines("/proc/thread-self/net/packet").Length));
    }

    [Theory]
    [InlineData("-d vale0:x", "failed to detach vale0:x: ", "ENXIO")]
    [InlineData("-d eth", "failed to detach eth: ", "EINVAL")]
    [InlineData("-a vale0:nosuch", "failed to attach vale0:nosuch: ", "EINVAL")]
    [InlineData("-a vale", "failed to attach vale: ", "ENOMEM")]
    [InlineData("-h vale0:nosuch", "failed to attach with the host vale0:nosuch: ", "EINVAL")]
    [InlineData("-n vale1", "failed to create vale1: ", "EINVAL")]
    [InlineData("-r v9", "failed to delete v9: ", "ENXIO")]
    [InlineData("-g nosuch", "failed to get the info of nosuch: ", "ENXIO")]
    [InlineData("-l vale7:x", "failed to list vale7:x: ", "ENOENT")]
    [InlineData("-p vale7:x", "failed to start polling vale7:x: ", "ENXIO")]
    [InlineData("-P vale7:x", "failed to stop polling vale7:x: ", "ENXIO")]
    [InlineData("-n v0 -n v0", "failed to create v0: ", "EEXIST")]
    [InlineData("-n v0 -a vale0:v0 -r v0", "failed to delete v0: ", "EBUSY")]
    [InlineData("-n v0 -m 77", "failed to create v0: ", "EINVAL")]
    public void RefusalsAreOneLineAndExitCode1(string arguments, string start, string errno)
    {
        (int code, string words) = Run(arguments.Split(' '));
        Assert.Equal(1, code);
        Assert.StartsWith(start, words);
        Assert.Contains($"({errno})", words);
        Assert.Single(words.Trim().Split('\n'));
    }

    [Fact]
    public void ActionsAreCarriedOutInTheirOrder()
    {
        (int code, string words) = Run("-n", "v0", "-n", "v1", "-C", "64,128,2,3", "-g", "v0", "-a", "vale3:v0", "-l", "vale3:v0", "-l",
            "vale3:v1", "-d", "vale3:v0", "-r", "v1", "-r", "v0", "-v");
        Assert.Equal(0, code);
        string[] lines = words.Trim().Split('\n');
        Assert.StartsWith("create v0: tx_slots 64 rx_slots 128 tx_rings 2 rx_rings 3 mem_id ", lines[0]);
        Assert.Equal(["tx_slots: 64", "rx_slots: 128", "tx_rings: 2", "rx_rings: 3"], lines[3..7]);
        Assert.Equal(
            ["attach vale3:v0: port_index 0", "vale3:v0 bridge_idx 0 port_idx 0", "vale3:v1 bridge_idx 0 port_idx 255", "detach vale3:v0: port_index 0"],
            lines[8..12]);
    }

    [Fact]
    public void JsonIsOneObjectALine()
    {
        (int code, string words) = Run("--json", "-n", "v0", "-a", "vale0:v0", "-l", "vale0:v0", "-d", "vale0:v0", "-r", "v0");
        Assert.Equal(0, code);
        JsonElement[] objects = [.. words.Trim().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal("create", objects[0].GetProperty("action").GetString());
        Assert.Equal(("vale0:v0", 0, 0), (objects[2].GetProperty("name").GetString(), objects[2].GetProperty("bridge_idx").GetInt32(),
            objects[2].GetProperty("port_idx").GetInt32()));
    }

    [Fact]
    public void WithoutActionsAllPortsAreListedAndTheExitCodeIsNetmaps()
    {
        (int code, string words) = Run();
        Assert.Equal(1, code);
        Assert.Contains("each netmap process hosts its own switches", words);
        Assert.Equal(2, Run("-C", "x", "-n", "v0").Code);
        Assert.Equal(2, Run("-a").Code);
    }

    [Fact]
    public void TheExampleSwitchShowsLearning()
    {
        Privileges.RequireNamespaces();
        using NetworkNamespace space = NetworkNamespace.Create();
        string words = Tool.Example(space, "Switch").Finish();
        Assert.Equal(
            [
                "bob hears: hello bob", "carol hears: hello bob", "alice hears: hello alice", "carol hears nothing",
                "02:00:00:00:00:01 is at port 0, alice", "02:00:00:00:00:02 is at port 1, bob",
                "alice: 1 frames in, 1 out, lost 0", "bob: 1 frames in, 1 out, lost 0", "carol: 0 frames in, 1 out, lost 0",
            ],
            words.Trim().Split('\n'));
    }

    private static (int Code, string Words) Run(params string[] arguments)
    {
        Privileges.RequireNamespaces();
        using NetworkNamespace space = NetworkNamespace.Create();
        using Peer tool = Tool.Start(space, ["vale-ctl", .. arguments]);
        string words = tool.Finish();
        return (tool.ExitCode, words);
    }

    private static void Connect(NetworkNamespace middle, NetworkNamespace far, string letter, string address)
    {
        middle.CreateVeth(letter + "0", letter + "1", far);
        middle.SetUp(letter + "0");
        far.SetUp(letter + "1");
        far.AddAddress(letter + "1", address);
    }

    private static void WaitForPings(NetworkNamespace space, string address)
    {
        for (int i = 0; i < 60; i++)
        {
            if (Peer.Run(space, "ping", "-q", "-c", "1", "-W", "1", address).Contains(" 0% packet loss", StringComparison.Ordinal))
                return;
        }
        Assert.Fail($"{address} never answered");
    }
}
