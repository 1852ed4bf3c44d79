using System.Collections.Concurrent;
using Netmap.Server;
using Netmap.Tests.Abi;

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
    public void EveryTestOfTheProgramIsRun(string source)
    {
        (int exit, string names) = Run(Compiled(source));
        Assert.Equal(2, exit);
        Assert.Equal(typeof(ShimTests).GetMethod(nameof(NetmapIsAsInTheKernel))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Cast<InlineDataAttribute>().Where(data => (string)data.Data[0]! == source).Select(data => (string)data.Data[1]!), names.Trim().Split('\n'));
    }

    [Fact]
    public void OtherProgramsNoticeNothing()
    {
        (int exit, string words) = Run("sh", "-c", "ls / && cat /proc/self/maps && echo done | tee /dev/null");
        Assert.Equal(0, exit);
        Assert.Contains("netmap-preload.so", words);
        Assert.Contains("done", words);
    }

    /// <summary>An old program (nm_open), a new one (libnetmap) and .NET, each a process, joined by two pipes.</summary>
    [Theory]
    [InlineData("netmap:b{1", "netmap:b}1")]
    [InlineData("netmap:a{2", "netmap:a}2")]
    public async Task OldAndNewProgramsWorkTogether(string to, string end)
    {
        const int Frames = 20000;
        string copy = CLibrary.Compile(Path.Combine(Gcc.Include, "../examples/C/copy.c"));
        string sender = CLibrary.Compile(Path.Combine(Gcc.Programs, "sender.c"));
        try
        {
            using NetmapPort port = NetmapPort.Open(end, engine: _engine);
            Task<(int Exit, string Words)> copying = Task.Run(() => Run(copy, "netmap:a}1", to, $"{Frames}"));
            Task<(int Exit, string Words)> sending = Task.Run(() => Run(sender, "netmap:a{1", $"{Frames}"));
            long next = 0;
            while (next < Frames)
            {
                Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30)));
                foreach (RxFrame frame in port.RxRings[0])
                    Assert.Equal(next++, BitConverter.ToInt64(frame.Data[14..22]));
            }
            port.RxSync();
            Assert.Equal((0, ""), await sending);
            (int exit, string words) = await copying;
            Assert.Equal(0, exit);
            Assert.Contains($"{Frames} frames", words);
            Assert.Contains(to[7] == 'a' ? "buffers change places" : "byte by byte", words);
        }
        finally
        {
            File.Delete(copy);
            File.Delete(sender);
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
