using Netmap.Cli.Common;

namespace Netmap.Tests.Unit.Cli;

/// <summary>Names that tools make of a name.</summary>
public sealed class PortNamesTests
{
    [Theory]
    [InlineData("netmap:eth0", "netmap:eth0-1")]
    [InlineData("netmap:eth0/x@2", "netmap:eth0-1/x@2")]
    [InlineData("vale0:a@conf:rings=2", "vale0:a-1@conf:rings=2")]
    public void ARingGoesBeforeFlagsAndOptions(string name, string expected)
    {
        Assert.Equal(expected, PortNames.Ring(name, 1));
        Assert.NotNull(PortName.Parse(expected));
    }
}
