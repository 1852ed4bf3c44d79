using Microsoft.Extensions.Time.Testing;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>Lines that one user causes in the log.</summary>
public sealed class LogBudgetTests
{
    [Fact]
    public void AFloodIsABurstThenAFewASecondAndTheRestIsCounted()
    {
        FakeTimeProvider clock = new();
        LogBudget budget = new(clock);
        Assert.Equal(LogBudget.Burst, Enumerable.Range(0, 1000).Count(_ => budget.TryTake(out int _)));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(budget.TryTake(out int leftOut));
        Assert.Equal(1000 - LogBudget.Burst, leftOut);
        Assert.Equal((2 * LogBudget.PerSecond) - 1, Enumerable.Range(0, 1000).Count(_ => budget.TryTake(out int _)));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(LogBudget.Burst, Enumerable.Range(0, 1000).Count(_ => budget.TryTake(out leftOut)));
    }

    [Fact]
    public void WhoOpensFilesWithoutEndIsNamedInTheLogAndDoesNotFillIt()
    {
        using LogLines lines = new();
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferCount = 64 });
        using NetmapServer server = new(engine, new() { Host = $"@netmap-log-{Environment.ProcessId}", FilesPerUser = 1 }, lines);
        using RawClient first = new(server.Options.Host);
        for (int i = 0; i < 300; i++)
        {
            using RawClient next = new(server.Options.Host);
            Assert.True(RawClient.IsClosed(next.Connection));
        }
        Assert.InRange(lines.All.Count(line => line.Contains("as many as allowed", StringComparison.Ordinal)), LogBudget.Burst - 5, 200);
    }

    /// <summary>The log and lists of ports are looked at in a terminal.</summary>
    [Fact]
    public void WordsOfAClientAreNoCommandsOfATerminal()
    {
        using LogLines lines = new();
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferCount = 64 });
        using NetmapServer server = new(engine, new() { Host = $"@netmap-words-{Environment.ProcessId}" }, lines);
        string host = server.Options.Host;
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => NetmapPort.Open("vale0:a\u001b[2J", new() { Host = host })).ErrorName);
        using HostSwitches switches = new(host);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => switches.CreatePort("x\u001b[2J", new())).ErrorName);
        Assert.Throws<NetmapException>(() => switches.Share("vale0\u001b[2J\nforged", "*"));
        Assert.Contains(lines.All, line => line.Contains("[2J forged", StringComparison.Ordinal));
        Assert.DoesNotContain(lines.All, line => line.Any(char.IsControl));
    }
}
