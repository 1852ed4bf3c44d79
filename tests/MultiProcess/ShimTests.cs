using System.Diagnostics;
using System.Runtime.CompilerServices;
using Netmap.Server;
using Netmap.Tests.Abi;

namespace Netmap.Tests.MultiProcess;

/// <summary>C programs that know nothing of us, on a server: the shim stands in front of their C library.</summary>
public sealed class ShimTests : IDisposable
{
    private static readonly Lazy<string> s_program = new(Compile);

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
    [InlineData("lends")]
    [InlineData("lends-nothing")]
    [InlineData("lenders")]
    public void NetmapIsAsInTheKernel(string test)
    {
        (int exit, string words) = Run(s_program.Value, test);
        Assert.True(exit == 0, words);
        // Whatever the program left open went with it.
        Assert.True(SpinWait.SpinUntil(() => _server.GetStatus().Files.Count == 0, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void EveryTestOfTheProgramIsRun()
    {
        (int exit, string names) = Run(s_program.Value);
        Assert.Equal(2, exit);
        Assert.Equal(typeof(ShimTests).GetMethod(nameof(NetmapIsAsInTheKernel))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
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

    /// <summary>
    /// libnetmap's <c>@extmem</c> in a file in memory, on a server of the programs' own, which takes it: two ports of one program, an old
    /// program that knows nothing of it, and .NET, all in one memory.
    /// </summary>
    [Fact]
    public async Task ProgramsBringTheirMemoryByName()
    {
        const int Frames = 20000;
        string copy = CLibrary.Compile(Path.Combine(Gcc.Include, "../examples/C/copy.c"));
        string sender = CLibrary.Compile(Path.Combine(Gcc.Programs, "sender.c"));
        string file = $"/dev/shm/netmap-test-{Guid.NewGuid():N}";
        string host = $"@netmap-test-{Guid.NewGuid():N}";
        using NetmapServer own = new(_engine, new NetmapServerOptions { Host = host, TrustsClients = true });
        try
        {
            using (FileStream made = File.Create(file))
                made.SetLength(32 << 20);
            string memory = $"@extmem:file={file},if_num=8,ring-num=16";
            using NetmapPort port = NetmapPort.Open($"netmap:b}}1{memory}", engine: _engine);
            using NetmapPort master = NetmapPort.Open($"netmap:a{{1{memory}", engine: _engine);
            Task<(int Exit, string Words)> copying = Task.Run(() => RunOn(host, copy, $"netmap:a}}1{memory}", $"netmap:b{{1{memory}", $"{Frames}"));
            Task<(int Exit, string Words)> sending = Task.Run(() => RunOn(host, sender, "netmap:a{1", $"{Frames}"));
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
            Assert.True(exit == 0, words);
            Assert.Contains("buffers change places", words);
            Assert.NotEqual(1, port.Info.MemoryId);
        }
        finally
        {
            File.Delete(copy);
            File.Delete(sender);
            File.Delete(file);
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }

    private (int Exit, string Words) Run(string program, params string[] arguments) => RunOn(_host, program, arguments);

    private static (int Exit, string Words) RunOn(string host, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NETMAP_HOST"] = host;
        start.Environment["LD_PRELOAD"] = Path.Combine(AppContext.BaseDirectory, "netmap-preload.so");
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromSeconds(60)))
            process.Kill();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string Compile()
    {
        string folder = Here();
        string program = Path.Combine(AppContext.BaseDirectory, "shim-tests");
        string[] arguments = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", $"-I{folder}/../../include", "-o", program,
            $"{folder}/programs/shim.c", "-lpthread"];
        using Process gcc = Process.Start(new ProcessStartInfo("gcc", arguments) { RedirectStandardError = true })!;
        string words = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Assert.True(gcc.ExitCode == 0, words);
        return program;
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
