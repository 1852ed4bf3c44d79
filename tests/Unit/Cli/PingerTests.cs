using Netmap.Cli.PktGen;

namespace Netmap.Tests.Unit.Cli;

/// <summary>What pkt-gen -f ping takes for a reply.</summary>
public sealed class PingerTests
{
    [Fact]
    public void AFrameOfSomebodyElseIsNoReply()
    {
        using NetmapEngine engine = new();
        engine.AddMemoryPair("m0", "m1");
        using NetmapPort port = NetmapPort.Open("netmap:m0", engine: engine);
        using NetmapPort other = NetmapPort.Open("netmap:m1", engine: engine);
        // Zeros where the number is read: that of the first ping.
        Assert.True(other.TxRings[0].TrySend(new byte[90]));
        other.TxSync();
        PktGenOptions options = PktGenCommand.Read(PktGenCommand.Create().Parse(["-i", "m0", "-f", "ping", "-n", "1"]));
        Pinger pinger = new(options, port, new byte[6], 0, CancellationToken.None);
        pinger.Run();
        Assert.Equal((1L, 1L, 0L), (pinger.Progress.Packets, pinger.Progress.Lost, pinger.RoundTrips.TotalCount));
    }
}
