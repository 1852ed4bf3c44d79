using Netmap.Links;

namespace Netmap.Cli.Bench;

/// <summary>
/// Two namespaces and a veth pair for a benchmark: <c>b0</c> here is where we and our peers work, <c>b1</c> is the other
/// end. CPU 0 sends, CPU 1 receives. The engine is ours alone, so a peer finds the interface untouched.
/// </summary>
internal sealed class BenchLab : IDisposable
{
    public const int SendCpu = 0;
    public const int ReceiveCpu = 1;
    public const string NearMac = "02:00:00:00:0b:00";
    public const string FarMac = "02:00:00:00:0b:01";

    /// <summary>Nobody's address: the far end's stack drops such frames at once, whoever sent them.</summary>
    public const string StrangerMac = "02:00:00:00:0b:99";

    public BenchLab()
    {
        Near.CreateVeth("b0", "b1", Far);
        Near.SetMac("b0", NearMac);
        Far.SetMac("b1", FarMac);
        Near.DisableIpv6("b0");
        Far.DisableIpv6("b1");
        Near.SetUp("b0");
        Far.SetUp("b1");
        // The load of receive benchmarks: segments and checksums are made in software, so that frames are whole.
        Far.SetOffload("b1", "gso", false);
        Far.SetOffload("b1", "tso", false);
        Far.SetOffload("b1", "tx-checksum", false);
        Far.AddAddress("b1", "10.66.0.1/24");
        Far.AddNeighbor("b1", "10.66.0.2", StrangerMac);
    }

    public NetworkNamespace Near { get; } = NetworkNamespace.Create();

    public NetworkNamespace Far { get; } = NetworkNamespace.Create();

    /// <summary>Frames that came out at the far end.</summary>
    public long ArrivedFar => Far.GetCounters("b1").RxPackets;

    /// <summary>Frames that came out at the near end, whoever took them there.</summary>
    public long ArrivedNear => Near.GetCounters("b0").RxPackets;

    public NetmapPort Open(NetmapEngine engine, string suffix) => Near.Run(() => NetmapPort.Open("netmap:b0" + suffix, engine: engine));

    public void Dispose()
    {
        Near.Dispose();
        Far.Dispose();
    }
}
