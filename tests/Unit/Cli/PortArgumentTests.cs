using Netmap.Cli.Bridge;
using Netmap.Cli.Common;
using Netmap.Cli.LoadBalancer;
using Netmap.Cli.PktGen;

namespace Netmap.Tests.Unit.Cli;

/// <summary>The options about opening ports, which all tools share.</summary>
public sealed class PortArgumentTests
{
    private static readonly string[] s_given = ["--filter", "udp port 4789", "--admode", "Generic", "--gear", "plain", "--buffer-size", "4096"];

    private static readonly PortChoice s_read = new() { Filter = "udp port 4789", Mode = AdapterMode.Generic, Gear = NativeGear.Plain, BufferSize = 4096 };

    [Fact]
    public void EveryToolReadsThemAlike()
    {
        Assert.Equal(s_read, PktGenCommand.Read(PktGenCommand.Create().Parse(["-i", "v0", .. s_given])).Ports);
        Assert.Equal(s_read, BridgeCommand.Read(BridgeCommand.Create().Parse(["v0", .. s_given])).Ports);
        Assert.Equal(s_read, LbCommand.Read(LbCommand.Create().Parse(["-i", "v0", .. s_given])).Ports);
        Assert.Equal(new PortChoice(), PktGenCommand.Read(PktGenCommand.Create().Parse("-i v0")).Ports);
    }

    [Theory]
    [InlineData("--admode some", "--admode some is none of best native generic")]
    [InlineData("--admode 1", "--admode 1 is none")]
    [InlineData("--gear no", "--gear no is none of auto plain fast")]
    [InlineData("--buffer-size 1", "outside 64..65536")]
    [InlineData("--host /x --admode best", "netmap param admode=")]
    [InlineData("--host /x --gear fast", "netmap param native_gear=")]
    [InlineData("--host /x --buffer-size 4096", "netmap param buf_size=")]
    public void WhatMakesNoSenseIsSaid(string words, string problem) => Assert.Contains(problem,
        Assert.Throws<UsageException>(() => PktGenCommand.Read(PktGenCommand.Create().Parse("-i v0 " + words))).Message);

    [Fact]
    public void AFilterIsForInterfacesAlone()
    {
        s_read.Check("vale0:a", "netmap:eth0");
        Assert.Throws<UsageException>(() => s_read.Check("vale0:a", "netmap:x{1", null));
        new PortChoice().Check("vale0:a");
        using NetmapEngine engine = new PortChoice { BufferSize = 4096, Mode = AdapterMode.Generic, Gear = NativeGear.Fast }.MakeEngine();
        Assert.Equal((4096, AdapterMode.Generic, NativeGear.Fast), (engine.Options.BufferSize, engine.Options.AdapterMode, engine.Options.NativeGear));
        engine.AddMemoryPair("a", "b");
        // A pipe takes what its other end sends.
        using NetmapPort pipe = s_read.Open("netmap:a{1", engine);
    }
}
