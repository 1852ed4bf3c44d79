using Netmap.Tests.Abi;

namespace Netmap.Tests.MultiProcess;

/// <summary>An old program (nm_open), which sends, a new one (libnetmap), which copies, and .NET, each a process, joined by two pipes.</summary>
internal static class ProgramChain
{
    private const int Frames = 20000;

    /// <summary>Runs numbered frames through all three, to the last.</summary>
    /// <param name="host">The programs' server.</param>
    /// <param name="start">The sender's port.</param>
    /// <param name="from">The copier's first port, the other end of <paramref name="start"/>.</param>
    /// <param name="to">Its second one.</param>
    /// <param name="end">The other end of that.</param>
    /// <returns>What the copier said.</returns>
    public static async Task<string> RunAsync(string host, string start, string from, string to, NetmapPort end)
    {
        string copy = CLibrary.Compile(Path.Combine(Gcc.Include, "../examples/C/copy.c"));
        string sender = CLibrary.Compile(Path.Combine(Gcc.Programs, "sender.c"));
        try
        {
            Task<(int Exit, string Words)> copying = Task.Run(() => ShimProgram.Run(host, copy, from, to, $"{Frames}"));
            Task<(int Exit, string Words)> sending = Task.Run(() => ShimProgram.Run(host, sender, start, $"{Frames}"));
            long next = 0;
            while (next < Frames)
            {
                Assert.Equal(PollEvents.Receive, end.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30)));
                foreach (RxFrame frame in end.RxRings[0])
                    Assert.Equal(next++, BitConverter.ToInt64(frame.Data[14..22]));
            }
            end.RxSync();
            Assert.Equal((0, ""), await sending);
            (int exit, string words) = await copying;
            Assert.True(exit == 0, words);
            Assert.Contains($"{Frames} frames", words);
            return words;
        }
        finally
        {
            File.Delete(copy);
            File.Delete(sender);
        }
    }
}
