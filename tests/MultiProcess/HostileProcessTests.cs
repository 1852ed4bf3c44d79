using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Netmap.Links;
using Netmap.Server;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>
/// Programs that point a server to memory: of another process, or memory that never comes. The server reads no process's memory but for slots
/// that are that process's alone, and nobody waits for such memory but its own process.
/// </summary>
public sealed class HostileProcessTests : IDisposable
{
    private static readonly Lazy<string> s_program = new(() => ShimProgram.Compile("hostile.c"));
    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("netmapd").FullName;

    private string Host => Path.Combine(_folder, "sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Two processes of one user: they may share a port, but not what is in each other's memory.</summary>
    [Theory]
    [InlineData("peeks")]
    [InlineData("peeks_by_memory")]
    public void AnotherProcesssSlotsLeadNowhere(string test)
    {
        using NetworkNamespace here = Here();
        using Peer server = Serve(here);
        string words = Peer.Run(here, s_program.Value, test, Host);
        Assert.Contains("0 frames", words);
        Assert.DoesNotContain("SECRET", words);
        Assert.Equal(1, Drops(words));
    }

    [Theory]
    [InlineData("peeks")]
    [InlineData("peeks_by_memory")]
    public void AnotherUsersSlotsLeadNowhere(string test)
    {
        Assert.SkipUnless(Privileges.HasBpf, "only root becomes somebody else: run the tests as root");
        using NetworkNamespace here = Here();
        using Peer server = Serve(here);
        string words = Peer.Run(here, s_program.Value, test, Host, "65533");
        Assert.Contains("0 frames", words);
        Assert.DoesNotContain("SECRET", words);
    }

    /// <summary>Numbers of processes come back; what a session stands for does not.</summary>
    [Fact]
    public void ASessionOfAProcessThatHasEndedIsNobodys()
    {
        Assert.SkipUnless(Privileges.HasBpf, "a namespace of process numbers takes root: run the tests as root");
        using NetworkNamespace here = Here();
        string script = $"dotnet {Tool.Path} netmapd --host {Host} & for i in $(seq 500); do test -S {Host} && break; sleep 0.1; done; {s_program.Value} reuses {Host}";
        string words = Peer.Run(here, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script);
        Assert.Contains("0 frames", words);
        Assert.Equal(1, Drops(words));
        Assert.Contains("csb: Bad address", words);
        Assert.Contains("arrays untouched", words);
    }

    [Fact]
    public async Task MemoryThatNeverComesHoldsUpItsOwnProcessOnly()
    {
        Assert.SkipUnless(Privileges.HasBpf, "to mount a file system takes root: run the tests as root");
        using NetworkNamespace here = Here();
        using Peer server = Serve(here);
        using NetmapPort honest = NetmapPort.Open("vale1:h", new() { Host = Host });
        Exchange(honest);
        int before = Threads(server);
        using Hostile hostile = new(Host, "never_comes");
        Assert.Equal("waiting", await hostile.Line());
        await Task.Run(() => Exchange(honest), Token).WaitAsync(s_generous, Token);
        Assert.Equal(3, Files());
        // A quota's worth, and those that see to connections and descriptors.
        Assert.InRange(Threads(server), before, before + 72);
        hostile.GoOn();
        Assert.Equal("closed", await hostile.Line());
        Assert.True(SpinWait.SpinUntil(() => Files() == 1, s_generous));
        await Task.Run(() => Exchange(honest), Token).WaitAsync(s_generous, Token);
        Assert.InRange(Threads(server), before, before + 72);
        hostile.GoOn();
        hostile.Finish();
        // With the process its memory is gone for good, and so are those who waited for it.
        Assert.True(SpinWait.SpinUntil(() => Threads(server) <= before + 4, s_generous), $"{before} threads before, {Threads(server)} now");
    }

    [Fact]
    public async Task ArraysThatNeverComeAndFilesThatDoNotAnswerHoldUpNoRequest()
    {
        Assert.SkipUnless(Privileges.HasBpf, "to mount a file system takes root: run the tests as root");
        using NetworkNamespace here = Here();
        using Peer server = Serve(here);
        using NetmapPort honest = NetmapPort.Open("vale1:h", new() { Host = Host });
        using Hostile hostile = new(Host, "csb_never_comes");
        Assert.Equal("lending: Operation not supported", await hostile.Line());
        Assert.Equal("waiting", await hostile.Line());
        await Task.Run(() => Exchange(honest), Token).WaitAsync(s_generous, Token);
        Assert.Equal(2, await Task.Run(Files, Token).WaitAsync(s_generous, Token));
        hostile.GoOn();
        hostile.Finish();
        Assert.True(SpinWait.SpinUntil(() => Files() == 1, s_generous));
    }

    /// <summary>A descriptor of the file reaches all of it, not only what was lent.</summary>
    [Fact]
    public void LentMemoryIsGivenToItsLenderOnly()
    {
        using NetworkNamespace here = Here();
        using Peer server = Serve(here);
        string words = Peer.Run(here, s_program.Value, "lends_part", Host);
        Assert.Contains("lender: Success", words);
        Assert.Contains("by number: Permission denied", words);
        Assert.Contains("by port: Permission denied", words);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Syncs and requests.</summary>
    private static void Exchange(NetmapPort port)
    {
        for (int i = 0; i < 100; i++)
        {
            Assert.True(port.TxRings[0].TrySend(TestFrame.Numbered(i, 60)));
            port.TxSync();
            Assert.Equal("vale", port.Info.Adapter);
        }
    }

    private int Files() => Json(NetmapHost.Status(Host)).GetProperty("files").EnumerateArray().Count(file => file.GetProperty("port").ValueKind != JsonValueKind.Null);

    private static int Threads(Peer server) => int.Parse(File.ReadLines($"/proc/{server.Id}/status").First(line => line.StartsWith("Threads:", StringComparison.Ordinal))[8..],
        CultureInfo.InvariantCulture);

    /// <summary>Slots that were found bad, as the statistics say that are among the words.</summary>
    private static int Drops(string words) => Json(words.Split('\n').First(line => line.StartsWith('{'))).ToString() is var all
        && all.IndexOf("\"BadSlot\":", StringComparison.Ordinal) is var at and >= 0
        ? int.Parse(all[(at + 10)..].Split(',', '}')[0], CultureInfo.InvariantCulture)
        : 0;

    /// <summary>A server that any user may reach.</summary>
    private Peer Serve(NetworkNamespace space)
    {
        Peer server = Tool.Serve(space, Host, "--files-per-user", "300");
        Peer.Run(space, "chmod", "711", _folder);
        Peer.Run(space, "chmod", "666", Host);
        return server;
    }

    private static NetworkNamespace Here()
    {
        Privileges.RequireNamespaces();
        return NetworkNamespace.Current();
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text.Trim().Split('\n').Last(line => line.StartsWith('{'))).RootElement;

    /// <summary>A program that waits after each line for the test. It ends before its server does: that may be waiting for its memory.</summary>
    private sealed class Hostile(string host, string test) : IDisposable
    {
        private readonly Process _process = Process.Start(new ProcessStartInfo(s_program.Value, [test, host])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

        public async Task<string?> Line() => await _process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(s_generous, Token);

        public void GoOn() => _process.StandardInput.WriteLine();

        public void Finish() => Assert.True(_process.WaitForExit(s_generous));

        public void Dispose()
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
