using Netmap.Server;
using Netmap.Tests.Abi;

namespace Netmap.Tests.MultiProcess;

/// <summary>C programs that know nothing of us, on a server: the shim stands in front of their C library.</summary>
public sealed class ShimTests : IDisposable
{
    private static readonly Lazy<string> s_program = new(() => ShimProgram.Compile("shim.c"));
    private static readonly Lazy<string> s_abuse = new(() => ShimProgram.Compile("abuse.c"));

    private readonly NetmapEngine _engine = new();
    private readonly NetmapServer _server;
    private readonly string _host = $"@netmap-test-{Guid.NewGuid():N}";

    public ShimTests() => _server = new NetmapServer(_engine, new NetmapServerOptions { Host = _host });

    /// <summary>The tests in <c>programs/shim.c</c>.</summary>
    [Theory]
    [InlineData("requests")]
    [InlineData("options")]
    [InlineData("pipes")]
    [InlineData("polls")]
    [InlineData("wakes")]
    [InlineData("selects")]
    [InlineData("epolls")]
    [InlineData("edges")]
    [InlineData("duplicates")]
    [InlineData("mappings")]
    [InlineData("forks")]
    [InlineData("passes")]
    [InlineData("execs")]
    [InlineData("threads")]
    [InlineData("signals")]
    [InlineData("vale")]
    [InlineData("extra_buffers")]
    [InlineData("swaps")]
    [InlineData("monitors")]
    public void NetmapIsAsInTheKernel(string test)
    {
        (int exit, string words) = Run(s_program.Value, test);
        Assert.True(exit == 0, words);
        // Whatever the program left open went with it.
        Assert.True(SpinWait.SpinUntil(() => _server.GetStatus().Files.Count == 0, TimeSpan.FromSeconds(10)));
    }

    /// <summary>The tests in <c>programs/abuse.c</c>.</summary>
    [Theory]
    [InlineData("vforks")]
    [InlineData("sweeps")]
    [InlineData("daemons")]
    [InlineData("arrivals")]
    [InlineData("cancels")]
    [InlineData("races")]
    [InlineData("forks_beside_threads")]
    [InlineData("interruptions")]
    [InlineData("unmaps")]
    [InlineData("opens")]
    [InlineData("kills")]
    public void WhateverAProgramDoesAroundItsPortItStaysWhole(string test)
    {
        (int exit, string words) = Run(s_abuse.Value, test);
        Assert.True(exit == 0, words);
        Assert.True(SpinWait.SpinUntil(() => _server.GetStatus().Files.Count == 0, TimeSpan.FromSeconds(10)));
    }

    [Theory]
    [InlineData("shim.c", nameof(NetmapIsAsInTheKernel))]
    [InlineData("abuse.c", nameof(WhateverAProgramDoesAroundItsPortItStaysWhole))]
    public void EveryTestOfTheProgramIsRun(string source, string theory)
    {
        (int exit, string names) = Run(source == "shim.c" ? s_program.Value : s_abuse.Value);
        Assert.Equal(2, exit);
        Assert.Equal(typeof(ShimTests).GetMethod(theory)!.GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Cast<InlineDataAttribute>().Select(data => (string)data.Data[0]!), names.Trim().Split('\n'));
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

    private (int Exit, string Words) Run(string program, params string[] arguments) => ShimProgram.Run(_host, program, arguments);
}
