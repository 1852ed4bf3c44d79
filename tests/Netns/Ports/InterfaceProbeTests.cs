using Netmap.Bpf;
using Netmap.Tests.Netns.Native;

namespace Netmap.Tests.Netns.Ports;

/// <summary>What a port on an interface would be, told without touching it; and what an open one says of itself.</summary>
public sealed class InterfaceProbeTests
{
    public InterfaceProbeTests() => Privileges.RequireBpf();

    [Fact]
    public void AVethWouldBeNativeAndIsLeftAlone()
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = AdapterMode.Best }).WithAddresses();
        IReadOnlyList<ProbeResult> results = Probe(lab);
        Assert.Equal((true, "native"), (Port(results).Available, Port(results).Consequence));
        Assert.True(Of(results, "XDP in the driver").Available);
        Assert.True(Of(results, "fast gear, receiving").Available);
        Assert.False(Of(results, "zero-copy").Available);
        Assert.All(results, result => Assert.Equal(result.Available, result.Reason.Length == 0));
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        // The same, as it then is.
        using NetmapPort port = lab.OpenLeft();
        Assert.Equal("native", port.Info.Adapter);
        Assert.StartsWith("open now: native", Port(Probe(lab)).Consequence);
    }

    /// <summary>A veth takes redirected frames while its other end polls.</summary>
    [Fact]
    public void TheFastGearsWayOutDependsOnTheOtherEnd()
    {
        using VethLab lab = NativeLab.Create();
        lab.Right.SetOffload("v1", "gro", false);
        Assert.Contains("other end", Of(Probe(lab), "fast gear, sending").Reason);
        lab.Right.SetOffload("v1", "gro", true);
        Assert.True(Of(Probe(lab), "fast gear, sending").Available);
    }

    [Fact]
    public void AnotherProgramStandsInTheWayUnlessGenericIsAskedFor()
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = AdapterMode.Best });
        using BpfLink foreign = NativeLab.AttachForeign(lab.Left, "v0", "somebody");
        Assert.False(Port(Probe(lab)).Available);
        Assert.Contains("\"somebody\"", Port(Probe(lab)).Reason);
        using NetmapEngine generic = new(new NetmapEngineOptions { AdapterMode = AdapterMode.Generic, BufferCount = NativeLab.Buffers });
        ProbeResult port = Port(lab.Left.Run(() => KernelProbe.Run("netmap:v0", generic)));
        Assert.Equal((true, "generic, as AdapterMode says"), (port.Available, port.Consequence));
    }

    [Fact]
    public void AnInterfaceThatIsDownCanBeOpened()
    {
        using VethLab lab = NativeLab.Create(up: false);
        Assert.True(Port(Probe(lab)).Available);
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => lab.Left.Run(() => KernelProbe.Run("nosuch0", lab.Engine))).ErrorName);
    }

    /// <summary>What opening would say, without opening.</summary>
    [Fact]
    public void AnMtuThatIsTooLargeIsToldBeforeOpeningFails()
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = AdapterMode.Best });
        lab.Left.SetUp("lo");
        string why = lab.Left.Run(() => NetmapPort.Query("netmap:lo", lab.Engine)).WhyNotOpen!;
        Assert.StartsWith("MTU 65536 is above", why);
        ProbeResult port = Port(lab.Left.Run(() => KernelProbe.Run("lo", lab.Engine)));
        Assert.Equal((false, true), (port.Available, port.Reason.Contains(why)));
        Assert.Contains(why, Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:lo", engine: lab.Engine))).Message);
        Assert.Contains("would be refused: MTU 65536", Peers.Peer.Run(lab.Left, "dotnet", NativeLab.Tool, "info", "lo"));
        Assert.Contains("\"why_not_open\":\"MTU 65536", Peers.Peer.Run(lab.Left, "dotnet", NativeLab.Tool, "info", "lo", "--json"));
        lab.Left.SetMtu("lo", 1500);
        Assert.Null(lab.Left.Run(() => NetmapPort.Query("netmap:lo", lab.Engine)).WhyNotOpen);
    }

    [Fact]
    public void BuffersThatXdpSocketsDoNotTakeMeanGeneric()
    {
        using VethLab lab = NativeLab.Create(engine: new NetmapEngineOptions { BufferSize = 8192, BufferCount = 4100 });
        ProbeResult port = Port(Probe(lab));
        Assert.Equal((true, "generic"), (port.Available, port.Consequence));
        Assert.Contains("8192", port.Reason);
    }

    /// <summary>Every ring has a socket that the kernel knows, and every program and link a number.</summary>
    [Theory]
    [InlineData(AdapterMode.Native, "xdp", "tcx egress", "tcx ingress", "xdp (skb), private loopback",
        "tracepoint xdp_redirect_err", "tracepoint xdp_devmap_xmit")]
    [InlineData(AdapterMode.Generic, "tcx ingress", "tcx egress")]
    public void AnOpenPortNamesItsSocketsAndPrograms(AdapterMode mode, params string[] hooks)
    {
        using VethLab lab = NativeLab.Create(queues: 2, engine: NativeLab.Options with { AdapterMode = mode });
        using NetmapPort port = lab.OpenLeft();
        PortInfo info = port.Info;
        Assert.Equal(hooks, info.Programs.Select(program => program.Hook));
        Assert.All(info.Programs, program => Assert.True(BpfProgramInfo.TryFind(program.ProgramId, out _) && program.LinkId > 0));
        Assert.Equal(hooks.Length, info.Programs.DistinctBy(program => program.LinkId).Count());
        Assert.Equal([("tx", 0), ("tx", 1), ("rx", 0), ("rx", 1)], info.Queues.Select(queue => (queue.Direction, queue.Ring)));
        string tables = lab.Left.Run(() => File.ReadAllText("/proc/thread-self/net/packet"));
        Assert.All(info.Queues, queue => Assert.True(queue.Socket > 0));
        Assert.All(info.Queues.Where(queue => queue.Mode == "packet"), queue => Assert.Contains($" {queue.Socket}\n", tables.Replace("  ", " ").Replace(" \n", "\n")));
        Assert.Equal(mode == AdapterMode.Native, info.Gear is not null);
        PortStatistics counters = lab.Left.Run(() => NetmapPort.QueryStatistics("netmap:v0", lab.Engine));
        Assert.Equal((2, 2), (counters.Tx.Count, counters.Rx.Count));
    }

    private static IReadOnlyList<ProbeResult> Probe(VethLab lab) => lab.Left.Run(() => KernelProbe.Run("v0", lab.Engine));

    private static ProbeResult Of(IReadOnlyList<ProbeResult> results, string feature) => results.Single(result => result.Feature == feature);

    private static ProbeResult Port(IReadOnlyList<ProbeResult> results) => Of(results, "port");
}
