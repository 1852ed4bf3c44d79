using Netmap.Cli.Bridge;

namespace Netmap.Tests.Unit.Cli;

/// <summary>Which two ports a command line of bridge joins (spec 12).</summary>
public sealed class BridgeOptionTests
{
    [Theory]
    [InlineData("v0", "netmap:v0", "netmap:v0^")]
    [InlineData("v0 netmap:v0", "netmap:v0", "netmap:v0^")]
    [InlineData("-i v0 -i v1", "netmap:v0", "netmap:v1")]
    [InlineData("vale0:a v1 64", "vale0:a", "netmap:v1")]
    [InlineData("-L v0", "netmap:v0", null)]
    public void OneNameIsJoinedWithItsHost(string words, string first, string? second)
    {
        BridgeOptions options = BridgeCommand.Read(BridgeCommand.Create().Parse(words.Split(' ')));
        Assert.Equal((first, second), (options.First, options.Second));
    }
}
