using System.Collections.Concurrent;
using Netmap.Server;

namespace Netmap.Tests.MultiProcess;

/// <summary>C programs that know nothing of us, on a server: the shim stands in front of their C library.</summary>
public sealed class ShimTests : IDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> s_programs = new();

    private readonly NetmapEngine _engine = new();
    private readonly NetmapServer _server;
    private readonly string _host = $"@netmap-test-{Guid.NewGuid():N}";

    public ShimTests() => _server = new NetmapServer(_engine, new NetmapServerOptions { Host = _host });

    /// <summary>The tests of a program in <c>programs/</c>, each in a process of its own.</summary>
    [Theory]
    [InlineData("requests.c", "requests")]
    [InlineData("requests.c", "options")]
    [InlineData("requests.c", "legacy")]
    [InlineData("requests.c", "headers")]
    [InlineData("requests.c", "kloop")]
    [InlineData("requests.c", "kloop_dies")]
    [InlineData("waiting.c", "polls")]
    [InlineData("waiting.c", "wakes")]
    [InlineData("waiting.c", "selects")]
    [InlineData("waiting.c", "epolls")]
    [InlineData("waiting.c", "edges")]
    [InlineData("waiting.c", "signals")]
    [InlineData("descriptors.c", "duplicates")]
    [InlineData("descriptors.c", "mappings")]
    [InlineData("descriptors.c", "forks")]
    [InlineData("descriptors.c", "passes")]
    [InlineData("descriptors.c", "execs")]
    [InlineData("traffic.c", "pipes")]
    [InlineData("traffic.c", "threads")]
    [InlineData("traffic.c", "vale")]
    [InlineData("traffic.c", "extra_buffers")]
    [InlineData("traffic.c", "swaps")]
    [InlineData("traffic.c", "monitors")]
    [InlineData("abuse.c", "vforks")]
    [InlineData("abuse.c", "sweeps")]
    [InlineData("abuse.c", "daemons")]
    [InlineData("abuse.c", "arrivals")]
    [InlineData("abuse.c", "cancels")]
    [InlineData("abuse.c", "races")]
    [InlineData("abuse.c", "forks_beside_threads")]
    [InlineData("abuse.c", "interruptions")]
    [InlineData("abuse.c", "unmaps")]
    [InlineData("abuse.c", "opens")]
    [InlineData("abuse.c", "limits")]
    [InlineData("abuse.c", "kills")]
    [InlineData("sets.c", "joins")]
    [InlineData("sets.c", "leaves")]
    [InlineData("lends.c", "lends")]
    [InlineData("lends.c", "lends_nothing")]
    [InlineData("lends.c", "lenders")]
    [InlineData("loops.c", "duplicates")]
    [InlineData("loops.c", "polled")]
    [InlineData("loops.c", "nested")]
    [InlineData("loops.c", "turns")]
    [InlineData("loops.c", "inherited")]
    [InlineData("loops.c", "passed")]
    [InlineData("numbers.c", "reused")]
    [InlineData("numbers.c", "reused_at_once")]
    [InlineData("numbers.c", "reopened")]
    [InlineData("numbers.c", "forked_beside_threads")]
    [InlineData("numbers.c", "adopted_in_children")]
    [InlineData("numbers.c", "sweeps")]
    [InlineData("numbers.c", "flags")]
    [InlineData("names.c", "opens")]
    [InlineData("names.c", "looks")]
    [InlineData("names.c", "transfers")]
    [InlineData("names.c", "prints")]
    [InlineData("moments.c", "small_stacks")]
    [InlineData("moments.c", "forks_in_handlers")]
    [InlineData("moments.c", "closes_in_handlers")]
    [InlineData("moments.c", "jumps")]
    [InlineData("moments.c", "real_time")]
    [InlineData("moments.c", "wrong_polls")]
    [InlineData("moments.c", "signals_beside_ports")]
    [InlineData("moments.c", "long_sets")]
    [InlineData("moments.c", "moved_memory")]
    public void NetmapIsAsInTheKernel(string source, string test)
    {
        (int exit, string words) = Run(Compiled(source), test);
        Assert.True(exit == 0, words);
        // Whatever the program left open went with it.
        Assert.True(SpinWait.SpinUntil(() => _server.GetStatus().Files.Count == 0, TimeSpan.FromSeconds(10)));
    }

    [Theory]
    [InlineData("requests.c")]
    [InlineData("waiting.c")]
    [InlineData("descriptors.c")]
    [InlineData("traffic.c")]
    [InlineData("abuse.c")]
    [InlineData("sets.c")]
    [InlineData("lends.c")]
    [InlineData("loops.c")]
    [InlineData("numbers.c")]
    [InlineData("names.c")]
    [InlineData("moments.c")]
    public void EveryTestOfTheProgramIsRun(string source)
    {
        (int exit, string names) = Run(Compiled(source));
        Assert.Equal(2, exit);
        Assert.Equal(typeof(ShimTests).GetMethod(nameof(NetmapIsAsInTheKernel))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Cast<InlineDataAttribute>().Where(data => (string)data.Data[0]! == source).Select(data => (string)data.Data[1]!), names.Trim().Split('\n'));
    }

    /// <summary>An abstract address belongs to the user who binds it first. Needs root, to be somebody else.</summary>
    [Fact]
    public void AServerOfAnotherUserIsRefusedOnAnAbstractAddress()
    {
        Netns.Privileges.RequireNamespaces();
        (int exit, string words) = Run(Compiled("names.c"), "refuses", _host + "-other", "65534");
        Assert.True(exit == 0, words);
        // Once, with NETMAP_VERBOSE.
        string line = Assert.Single(words.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"the server at {_host}-other is user 65534's", line);
        Assert.Contains("EPERM", line);
    }

    [Fact]
    public void OtherProgramsNoticeNothing()
    {
        (int exit, string words) = Run("sh", "-c", "ls / && cat /proc/self/maps && echo done | tee /dev/null");
        Assert.Equal(0, exit);
        Assert.Contains("netmap-preload.so", words);
        Assert.Contains("done", words);
    }

    [Theory]
    [InlineData("netmap:b{1", "netmap:b}1")]
    [InlineData("netmap:a{2", "netmap:a}2")]
    public async Task OldAndNewProgramsWorkTogether(string to, string end)
    {
        using NetmapPort port = NetmapPort.Open(end, engine: _engine);
        string words = await ProgramChain.RunAsync(_host, "netmap:a{1", "netmap:a}1", to, port);
        Assert.Contains(to[7] == 'a' ? "buffers change places" : "byte by byte", words);
    }

    /// <summary>
    /// libnetmap's <c>@extmem</c> in a file in memory, on a server of the programs' own, which takes it: two ports of one program, an old
    /// program that knows nothing of it, and .NET, all in one memory.
    /// </summary>
    [Fact]
    public async Task ProgramsBringTheirMemoryByName()
    {
        string file = $"/dev/shm/netmap-test-{Guid.NewGuid():N}";
        using NetmapServer own = new(_engine, new NetmapServerOptions { Host = _host + "-own", TrustsClients = true });
        try
        {
            using (FileStream made = File.Create(file))
                made.SetLength(32 << 20);
            string memory = $"@extmem:file={file},if_num=8,ring-num=16";
            using NetmapPort port = NetmapPort.Open($"netmap:b}}1{memory}", engine: _engine);
            using NetmapPort master = NetmapPort.Open($"netmap:a{{1{memory}", engine: _engine);
            string words = await ProgramChain.RunAsync(own.Options.Host, "netmap:a{1", $"netmap:a}}1{memory}", $"netmap:b{{1{memory}", port);
            Assert.Contains("buffers change places", words);
            Assert.NotEqual(1, port.Info.MemoryId);
        }
        finally
        {
            File.Delete(file);
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }

    private static string Compiled(string source) => s_programs.GetOrAdd(source, static name => new(() => ShimProgram.Compile(name))).Value;

    private (int Exit, string Words) Run(string program, params string[] arguments) => ShimProgram.Run(_host, program, arguments);
}
