using Netmap.Cli.Common;
using Netmap.Tests.Unit.Host;

namespace Netmap.Tests.Unit.Cli;

/// <summary>Whose frames a tool says were dropped.</summary>
public sealed class DropReportTests
{
    [Fact]
    public void FramesOfTheHostAreNotThoseOfTheSender()
    {
        using HostLab lab = new();
        using NetmapPort wire = lab.OpenWire();
        using NetmapPort port = lab.Open("/T");
        Assert.True(lab.Host.Send(HostLab.Frame(1)));
        Assert.True(lab.Host.Send(HostLab.Frame(2)));
        Assert.True(port.TxRings[0].TrySend(new byte[60]));
        port.TxSync();
        Assert.Equal(["dropped 2 frames from the host: NobodyReceives"], DropReport.Lines(port.GetStatistics()));
        Assert.Equal("""{"from_host":{"nobody_receives":2}}""", Output.ToJson(DropReport.Object(port.GetStatistics())));
    }

    [Fact]
    public void FramesThatNobodyTakesAreThoseOfTheSender()
    {
        using HostLab lab = new();
        using NetmapPort port = lab.Open("/T");
        Assert.True(port.TxRings[0].TrySend(new byte[60]));
        port.TxSync();
        Assert.Equal(["dropped 1 frames sent: NobodyReceives"], DropReport.Lines(port.GetStatistics()));
    }
}
