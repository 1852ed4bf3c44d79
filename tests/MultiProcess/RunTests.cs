using Netmap.Links;
using Netmap.Server;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary><c>netmap run</c>: one program on an engine of its own.</summary>
public sealed class RunTests
{
    /// <summary>The signal comes while the program ends, or has ended: its status is what counts.</summary>
    [Fact]
    public void ASignalAsTheProgramEndsIsNoFault()
    {
        Netns.Privileges.RequireNamespaces();
        using NetworkNamespace here = NetworkNamespace.Current();
        for (int i = 0; i < 10; i++)
        {
            using Peer run = Tool.Start(here, "run", "--", "sh", "-c", "trap '' TERM; kill -TERM $PPID; exit 3");
            Assert.Equal("", run.Finish());
            Assert.Equal(3, run.ExitCode);
        }
    }

    [Fact]
    public void AProgramThatTheShimCannotBeInRunsAndItIsSaid()
    {
        Abi.Gcc.Require();
        Netns.Privileges.RequireNamespaces();
        using NetworkNamespace here = NetworkNamespace.Current();
        string program = ShimProgram.Compile("static.c", "-static");
        using Peer run = Tool.Start(here, "run", "--", program);
        string words = run.Finish();
        Assert.Equal(7, run.ExitCode);
        Assert.Contains("it will not find netmap: it is statically linked", words);
        Assert.Contains("No such file or directory", words);
    }

    /// <summary>Who could know the name before could listen there first, or after.</summary>
    [Fact]
    public void TheAddressOfAPrivateServerCannotBeGuessed()
    {
        Netns.Privileges.RequireNamespaces();
        using NetworkNamespace here = NetworkNamespace.Current();
        string[] names = [.. Enumerable.Range(0, 2).Select(_ => Tool.Run(here, "run", "--", "sh", "-c", "echo $NETMAP_HOST").Trim())];
        Assert.All(names, name => Assert.Matches("^@netmap-run-[0-9a-f]{32}$", name));
        Assert.NotEqual(names[0], names[1]);
    }

    /// <summary>LD_PRELOAD is divided at blanks and colons, and nothing quotes them: the program would run, and not find netmap.</summary>
    [Theory]
    [InlineData("a b")]
    [InlineData("a:b")]
    public void AShimThatCannotBePreloadedIsRefused(string name)
    {
        string folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, name)).FullName;
        try
        {
            string shim = Path.Combine(folder, "netmap-preload.so");
            File.Copy(Path.Combine(AppContext.BaseDirectory, "netmap-preload.so"), shim, overwrite: true);
            NetmapException refusal = Assert.Throws<NetmapException>(() => HostedProgram.Run(["true"], "@none", shim));
            Assert.Equal(22, refusal.ErrorNumber);
            Assert.Contains(shim, refusal.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
