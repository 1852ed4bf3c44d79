using Netmap.Server;
using Netmap.Tests.Abi;

namespace Netmap.Tests.MultiProcess;

/// <summary>C programs that bring the memory of their ports.</summary>
public sealed class ExternalMemoryProcessTests : IDisposable
{
    private static readonly Lazy<string> s_program = new(() => ShimProgram.Compile("lends.c"));

    private readonly NetmapEngine _engine = new();

    public void Dispose() => _engine.Dispose();

    /// <summary>The tests in <c>programs/lends.c</c>.</summary>
    [Theory]
    [InlineData("lends")]
    [InlineData("lends_nothing")]
    [InlineData("lenders")]
    public void MemoryIsLentAsToTheKernel(string test)
    {
        using NetmapServer server = new(_engine, new NetmapServerOptions { Host = $"@netmap-test-{Guid.NewGuid():N}" });
        (int exit, string words) = ShimProgram.Run(server.Options.Host, s_program.Value, test);
        Assert.True(exit == 0, words);
        Assert.True(SpinWait.SpinUntil(() => server.GetStatus().Files.Count == 0, TimeSpan.FromSeconds(10)));
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
            Task<(int Exit, string Words)> copying = Task.Run(() => ShimProgram.Run(host, copy, $"netmap:a}}1{memory}", $"netmap:b{{1{memory}", $"{Frames}"));
            Task<(int Exit, string Words)> sending = Task.Run(() => ShimProgram.Run(host, sender, "netmap:a{1", $"{Frames}"));
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
}
