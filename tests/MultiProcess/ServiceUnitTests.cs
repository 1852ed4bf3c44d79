using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Netmap.Server;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>What the service's unit leaves a server is enough for what clients ask of it.</summary>
[SupportedOSPlatform("linux")]
public sealed class ServiceUnitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("netmapd").FullName;

    private string Host => Path.Combine(_folder, "sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ItsCapabilitiesAreEnoughForEveryKindOfPortAndForClientsOfOtherUsers()
    {
        Privileges.RequireBpf();
        Abi.Gcc.Require();
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        string config = Path.Combine(_folder, "conf");
        File.WriteAllText(config, "");
        using VethLab lab = new();
        using Peer server = Tool.Answering(Peer.Start(lab.Left, "setpriv", "--bounding-set", Bounding(), "--no-new-privs",
            "dotnet", Tool.Path, "netmapd", "--host", Host, "--group", "nogroup", "--config", config), Host);
        NetmapPortOptions there = new() { Host = Host };
        using (NetmapPort native = NetmapPort.Open("netmap:v0", there))
        {
            Assert.Equal("native", native.Info.Adapter);
            // The program that sends is on the loopback of a namespace that the server has made.
            Assert.Contains(native.Info.Programs, program => program.Hook.Contains("private loopback", StringComparison.Ordinal));
        }
        NetmapHost.Parameter(Host, "admode=2");
        using (NetmapPort generic = NetmapPort.Open("netmap:v0", there))
            Assert.Equal("generic", generic.Info.Adapter);
        using (NetmapPort tap = NetmapPort.Open("tap:t0", there))
            Assert.Equal("tap", tap.Info.Device);
        using (HostSwitches switches = new(Host))
        {
            switches.Attach("vale0:v0", hostRings: true, memory: 0);
            switches.Detach("vale0:v0");
        }

        // CSB mode: the server reads and writes the client's memory.
        string program = Path.Combine(_folder, "requests");
        File.Copy(ShimProgram.Compile("requests.c"), program);
        using Peer client = Tool.StartAsNobody(lab.Left, "run", "--host", Host, "--", program, "kloop");
        Assert.Equal("", client.Finish());
        Assert.Equal(0, client.ExitCode);
    }

    /// <summary>CapabilityBoundingSet=CAP_NET_ADMIN …, as setpriv(1) has it.</summary>
    private static string Bounding([CallerFilePath] string path = "")
    {
        const string Key = "CapabilityBoundingSet=";
        string unit = Path.Combine(Path.GetDirectoryName(path)!, "../../src/Netmap.Cli/Serve/systemd/netmapd.service");
        string line = File.ReadLines(unit).Single(line => line.StartsWith(Key, StringComparison.Ordinal));
        return "-all" + string.Concat(line[Key.Length..].Split(' ').Select(name => $",+{name["CAP_".Length..].ToLowerInvariant()}"));
    }
}
