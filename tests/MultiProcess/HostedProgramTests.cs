using System.Globalization;
using Netmap.Links;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary><c>netmap run</c> and its program: signals, and the end of either.</summary>
public sealed class HostedProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("netmap-run").FullName;
    private readonly NetworkNamespace _here;

    public HostedProgramTests()
    {
        Privileges.RequireNamespaces();
        _here = NetworkNamespace.Current();
    }

    private string Diary => Path.Combine(_folder, "diary");

    public void Dispose()
    {
        _here.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void ASignalReachesTheProgramOnceWhoeverSendsIt()
    {
        using Peer run = Start("trap 'echo int >>$0' INT; trap 'echo term >>$0; exit 7' TERM; trap 'echo hup >>$0' HUP; ");
        Kill("-INT", run.Id);
        Await("int");
        // To the whole group, as a terminal does; the program has it from there.
        KillGroup("-INT", run);
        Await("int", "int");
        KillGroup("-HUP", run);
        Await("int", "int", "hup");
        Kill("-HUP", run.Id);
        Await("int", "int", "hup", "hup");
        // Passed on in their order: a second copy of any would have come before.
        Kill("-TERM", run.Id);
        run.Finish();
        Await("int", "int", "hup", "hup", "term");
        Assert.Equal(7, run.ExitCode);
    }

    [Fact]
    public void TheProgramGoesWithNetmapRunHoweverThatEnds()
    {
        using Peer run = Start("");
        int program = int.Parse(File.ReadLines(Diary).First(), CultureInfo.InvariantCulture);
        int[] all = Children(run.Id);
        Assert.Contains(program, all);
        run.Kill();
        run.Finish();
        foreach (int process in all)
            Assert.True(SpinWait.SpinUntil(() => IsGone(process), TimeSpan.FromSeconds(20)), $"process {process} is left");
    }

    /// <summary>A shell behind the shim, in a process group of its own, that writes what happens to it.</summary>
    private Peer Start(string traps)
    {
        Peer run = Peer.Start(_here, "setsid", "dotnet", Tool.Path, "run", "--", "sh", "-c", traps + "echo $$ >$0; while :; do sleep 0.05; done", Diary);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(Diary) && File.ReadAllText(Diary).EndsWith('\n'), TimeSpan.FromSeconds(60)));
        // The witness of the group's signals comes after the program.
        Assert.True(SpinWait.SpinUntil(() => Children(run.Id).Length == 2, TimeSpan.FromSeconds(20)));
        return run;
    }

    private void Kill(string signal, int target) =>
        Peer.Run(_here, "kill", signal, "--", target.ToString(CultureInfo.InvariantCulture));

    /// <summary>Signals the group, and waits for the new witness: what comes before it counts as the same signal.</summary>
    private void KillGroup(string signal, Peer run)
    {
        int[] before = Children(run.Id);
        Kill(signal, -run.Id);
        Assert.True(SpinWait.SpinUntil(() => Children(run.Id) is { Length: 2 } now && !now.ToHashSet().SetEquals(before), TimeSpan.FromSeconds(20)));
    }

    private void Await(params string[] events)
    {
        SpinWait.SpinUntil(() => Events().Length >= events.Length, TimeSpan.FromSeconds(20));
        Assert.Equal(events, Events());
    }

    private string[] Events() => [.. File.ReadAllLines(Diary).Skip(1)];

    private static int[] Children(int process) => [.. Directory.GetDirectories($"/proc/{process}/task").Select(thread => $"{thread}/children").Where(File.Exists)
        .SelectMany(file => File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse)];

    private static bool IsGone(int process)
    {
        try
        {
            // Behind the name in brackets: nobody may have collected it yet.
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1][0] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }
}
