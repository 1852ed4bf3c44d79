using System.CommandLine;
using System.Text.Json;
using Netmap.Cli.Bench;
using Netmap.Cli.Common;

namespace Netmap.Tests.Unit.Cli;

/// <summary><c>netmap bench</c>: one set of options, one shape of JSON, and comparisons with an earlier run.</summary>
public sealed class BenchTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void EveryBenchmarkHasTheSameOptions()
    {
        Command[] commands = [.. BenchCommand.Create().Subcommands.Where(command => !command.Hidden)];
        Assert.True(commands.Length > 12);
        Assert.All(commands, command =>
        {
            Assert.Equal(["--json", "--quick", "--case", "--compare", "--tolerance"], command.Options.Take(5).Select(option => option.Name));
            Assert.Empty(command.Arguments);
        });
    }

    [Fact]
    public void RatesAndTimesHaveOneShape()
    {
        string[] expected = ["bench", "case", "ours", "unit", "peers", "loss", "allocations", "cpu", "spread", "mode", "machine"];
        LatencyResult trips = new("spinning");
        trips.Trips.RecordValue(1000);
        foreach (CaseReport report in new[] { Rate(2), CaseReport.Times("latency", trips, [PeerReport.Time("sockets", 1000, 3000)], new()) })
        {
            JsonElement json = JsonDocument.Parse(Output.ToJson(report)).RootElement;
            Assert.Equal(expected, json.EnumerateObject().Select(member => member.Name));
            Assert.Equal(["name", "value", "ratio", "loss", "missing"], json.GetProperty("peers")[0].EnumerateObject().Select(member => member.Name));
        }
    }

    [Fact]
    public void ARatioSaysHowManyTimesBetterOursIs()
    {
        Assert.Equal(2, PeerReport.Rate("peer", new Round(4, 0), new Round(2, 0)).Ratio);
        Assert.Equal(2, PeerReport.Time("peer", ours: 100, peer: 200).Ratio);
        Assert.Null(PeerReport.Rate("peer", new Round(4, 0), null).Ratio);
    }

    [Theory]
    [InlineData(2, 0.1, ExitCode.Success)]
    [InlineData(1.81, 0.1, ExitCode.Success)]
    [InlineData(1.79, 0.1, ExitCode.Failure)]
    [InlineData(1.79, 0.2, ExitCode.Success)]
    [InlineData(3, 0, ExitCode.Success)]
    public void ARatioThatFellByMoreThanItMayIsAFailure(double now, double tolerance, int code)
    {
        File.WriteAllLines(_file, [Output.ToJson(Rate(2)), ""]);
        Assert.Equal(code, Comparison.Read(_file).Judge([Rate(now)], tolerance));
    }

    [Fact]
    public void ARunThatHasNoRatioInCommonIsAFailure()
    {
        File.WriteAllText(_file, Output.ToJson(Rate(2)));
        Comparison earlier = Comparison.Read(_file);
        Assert.Equal(ExitCode.Failure, earlier.Judge([Rate(2) with { Case = "another" }], 0.1));
        Assert.Equal(ExitCode.Failure, earlier.Judge([Rate(2) with { Peers = [PeerReport.Rate("peer", new Round(2, 0), null)] }], 0.1));
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("{\"case\":\"a\"}")]
    public void SomethingElseToCompareWithIsRefused(string line)
    {
        File.WriteAllLines(_file, [Output.ToJson(Rate(2)), line]);
        Assert.Contains("line 2", Assert.Throws<UsageException>(() => Comparison.Read(_file)).Message);
    }

    private static CaseReport Rate(double ratio)
    {
        Round ours = new(ratio, 0);
        return CaseReport.Rate("vale", "a case", ours, [PeerReport.Rate("peer", ours, new Round(1, 0))], new() { Bytes = 60 });
    }
}
