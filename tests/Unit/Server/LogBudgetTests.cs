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
}
