using System.Runtime.Versioning;
using System.Text.Json;
using Netmap.Links;
using Netmap.Server;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>A server that two users have, as processes: its configuration, what they are refused, and what tools show of owners.</summary>
[SupportedOSPlatform("linux")]
public sealed class OwnershipTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("netmapd").FullName;

    public OwnershipTests()
    {
        Assert.SkipUnless(Privileges.HasBpf, "only root becomes another user: run the tests as root");
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
    }

    private string Host => Path.Combine(_folder, "sock");

    private string Config => Path.Combine(_folder, "netmapd.conf");

    private string LogFile => Path.Combine(_folder, "log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ACheckSaysWhatEachLineMeansAndWhatIsWrong()
    {
        using NetworkNamespace here = NetworkNamespace.Create();
        File.WriteAllText(Config, "# who may what\nadmin nobody\ninterface eth77 nobody\nlimit * memory=64M\n");
        using (Peer good = Tool.Start(here, "netmapd", "--check", "--config", Config))
        {
            string words = good.Finish();
            Assert.Equal(0, good.ExitCode);
            Assert.Contains($"{Config}:2: user nobody (65534) may administer, as root and the server's own user may", words);
            Assert.Contains($"{Config}:3: user nobody (65534) may open interface eth77", words);
            Assert.Contains($"{Config}:4: every other user may have memory 64 MiB, ", words);
            Assert.Contains($"{Config}:3: there is no interface eth77 here now (a note)", words);
        }
        File.AppendAllText(Config, "interface eth1\nlimit nosuchuser rings=1\n");
        using Peer bad = Tool.Start(here, "netmapd", "--check", "--config", Config, "--admin", "%nosuchgroup");
        string said = bad.Finish();
        Assert.Equal(1, bad.ExitCode);
        Assert.Contains($"{Config}:5: no user is named", said);
        Assert.Contains($"{Config}:6: there is no user 'nosuchuser' here", said);
        Assert.Contains("--admin: there is no group 'nosuchgroup' here", said);
        Assert.False(File.Exists(Host));
    }

    [Fact]
    public void AServerDoesNotStartWithAWrongConfiguration()
    {
        using NetworkNamespace here = NetworkNamespace.Create();
        File.WriteAllText(Config, "interface\n");
        using Peer server = Tool.Start(here, "netmapd", "--host", Host, "--config", Config);
        string words = server.Finish();
        Assert.Equal(1, server.ExitCode);
        Assert.StartsWith($"netmap: {Config}:1: ", words);
        Assert.Single(words.Trim().Split('\n'));
    }

    [Fact]
    public void WithoutConfigurationUsersHaveSoftwarePortsAndAFileGivesThemMore()
    {
        using NetworkNamespace here = NetworkNamespace.Create();
        File.WriteAllText(Config, "");
        using Peer server = Serve(here);
        string[] own = ["netmap:p{1@1", "vale1:a"];
        Assert.All(own, port => Assert.Contains("Sent 1 packets", Send(here, port)));
        string refused = Send(here, "tap:t7");
        Assert.Contains("interfaces are for administrators, and user nobody is none; "
            + "the line 'interface tap:t7 nobody' in netmapd's configuration would allow it (EACCES)", refused);
        Assert.Single(refused.Trim().Split('\n'));

        // As the refusal says.
        File.WriteAllText(Config, "interface tap:t7 nobody\n");
        Reload(here, server, $"configuration read: {Config}, 1 rules");
        Assert.Contains("Sent 1 packets", Send(here, "tap:t7"));

        // A wrong file leaves what was.
        File.WriteAllText(Config, "interface tap:t8 nobody\ninterface tap:t9\n");
        Reload(here, server, $"{Config}:2: no user is named");
        Assert.Contains("Sent 1 packets", Send(here, "tap:t7"));
        Assert.Contains("EACCES", Send(here, "tap:t8"));

        File.WriteAllText(Config, "limit nobody memory=1K\n");
        Reload(here, server, $"configuration read: {Config}, 1 rules", count: 2);
        Assert.Contains("EACCES", Send(here, "tap:t7"));
        Assert.Contains("ENOMEM", Send(here, "vale1:a"));
    }

    [Fact]
    public void ToolsShowOwnersAndShareSwitches()
    {
        using NetworkNamespace here = NetworkNamespace.Create();
        using Peer server = Serve(here);
        using Peer client = Tool.StartAsNobody(here, "pkt-gen", "-i", "vale3:p@conf:users=daemon", "-f", "rx", "-w", "0", "--host", Host);
        Await("vale3:p");
        using NetmapPort mine = NetmapPort.Open("vale4:q", new() { Host = Host });
        Assert.Contains("vale3:p bridge_idx 0 port_idx 0 switch_owner nobody owner nobody", Tool.Run(here, "vale-ctl", "--host", Host));
        Assert.Equal("", Tool.RunAsNobody(here, "vale-ctl", "--share", "vale3=daemon", "--host", Host));
        Assert.Contains("switch_owner nobody shared daemon owner nobody", Tool.Run(here, "vale-ctl", "-l", "vale3:p", "--host", Host));
        Assert.Contains("\"owner\":\"nobody\"", Tool.Run(here, "vale-ctl", "-l", "vale3:p", "--json", "--host", Host));
        string refused = Tool.RunAsNobody(here, "vale-ctl", "--share", "vale4=nobody", "--host", Host);
        Assert.StartsWith("failed to share vale4=nobody: ", refused);
        Assert.Contains("it belongs to user root; only that user and administrators may do this (EPERM)", refused);
        Assert.Contains("--share is for the switches of a server", Tool.Run(here, "vale-ctl", "--share", "vale3=daemon"));

        Assert.Matches("owner +nobody, shared with daemon", Tool.Run(here, "info", "vale3:p", "--host", Host));
        string all = Tool.Run(here, "info", "--host", Host);
        Assert.Matches("vale3:p +nobody +daemon +nobody ", all);
        Assert.Matches("vale4 +root +q \\(root\\)", all);
        Assert.Matches("nobody \\(65534\\) +[0-9]+ of 1024 +1 of 512 +2 of 1024 +1 of 8 +0 of 64 +0 of 16 +1 of 256", all);
        JsonElement status = JsonDocument.Parse(Tool.Run(here, "info", "--json", "--host", Host)).RootElement;
        JsonElement account = status.GetProperty("accounts").EnumerateArray().Single(found => found.GetProperty("user").GetUInt32() == 65534);
        Assert.Equal(("nobody", 1, 8), (account.GetProperty("name").GetString(), account.GetProperty("switches").GetProperty("now").GetInt32(),
            account.GetProperty("switches").GetProperty("limit").GetInt32()));
        Assert.Contains(status.GetProperty("files").EnumerateArray(), file => file.GetProperty("user_name").GetString() == "nobody"
            && file.GetProperty("owner").GetString() == "nobody");
        Assert.Contains("which port?", Tool.Run(here, "info"));
        client.Kill();
        client.Finish();
    }

    [Theory]
    [InlineData("new")]
    [InlineData("old")]
    public void CProgramsShareByTheirEnvironment(string how)
    {
        Abi.Gcc.Require();
        using NetworkNamespace here = NetworkNamespace.Create();
        string program = Path.Combine(_folder, "opens");
        File.Copy(ShimProgram.Compile("opens.c"), program);
        using Peer server = Serve(here);
        using Peer holder = Tool.StartAsNobody(here, "run", "--host", Host, "--share", "root", "--", program, "vale5:p", how, "hold");
        Await("vale5:p");
        string[] join = ["run", "--host", Host, "--", program, "vale5:p", how];
        // Shared, but this side does not agree to use that user's memory.
        Assert.Equal("Permission denied", Tool.Run(here, join).Trim());
        Assert.Equal("bound", Tool.Run(here, ["run", "--owner", "nobody", .. join[1..]]).Trim());
        Assert.Equal("Invalid argument", Tool.Run(here, ["run", "--owner", "nosuchuser", .. join[1..]]).Trim());
        Assert.Contains("add --host", Tool.Run(here, "run", "--share", "root", "--", "true"));

        using Peer mine = Tool.Start(here, "run", "--host", Host, "--", program, "vale6:p", how, "hold");
        Await("vale6:p");
        Assert.Equal("Permission denied", Tool.RunAsNobody(here, "run", "--host", Host, "--owner", "root", "--", program, "vale6:p", how).Trim());
    }

    /// <summary>As nobody, one frame.</summary>
    private string Send(NetworkNamespace space, string port) =>
        Tool.RunAsNobody(space, "pkt-gen", "-i", port, "-f", "tx", "-n", "1", "-w", "0", "--host", Host);

    /// <summary>For nobody's group, with its log in a file.</summary>
    private Peer Serve(NetworkNamespace space)
    {
        if (!File.Exists(Config))
            File.WriteAllText(Config, "");
        string command = $"exec dotnet {Tool.Path} netmapd --host {Host} --group nogroup --config {Config} >{LogFile} 2>&1";
        return Tool.Answering(Peer.Start(space, "sh", "-c", command), Host);
    }

    /// <summary>Until the log has the words so often.</summary>
    private void Reload(NetworkNamespace space, Peer server, string words, int count = 1)
    {
        Peer.Run(space, "kill", "-HUP", server.Id.ToString());
        int found = 0;
        for (int i = 0; i < 1000 && found < count; i++)
        {
            found = File.ReadLines(LogFile).Count(line => line.Contains(words, StringComparison.Ordinal));
            Thread.Sleep(20);
        }
        Assert.Equal(count, found);
    }

    private void Await(string port)
    {
        bool found = false;
        for (int i = 0; i < 1000 && !found; i++)
        {
            found = NetmapHost.Status(Host).Contains($"\"port\":\"{port}\"", StringComparison.Ordinal);
            Thread.Sleep(20);
        }
        Assert.True(found, $"{port} was never opened");
    }
}
