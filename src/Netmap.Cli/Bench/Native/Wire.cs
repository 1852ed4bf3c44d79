using System.Net.NetworkInformation;
using Netmap.Cli.PktGen;
using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>
/// One veth pair between two namespaces, nothing else on it. Both ends poll (generic-receive-offload), so that each takes
/// redirected frames whoever has it open.
/// </summary>
internal sealed class Wire
{
    public const string Stranger = "02:00:00:00:0c:99";
    private const string SenderMac = "02:00:00:00:0c:01";

    public Wire(NetworkNamespace near, string nearName, NetworkNamespace far, string farName, int queues = 1)
    {
        (Near, NearName, Far, FarName) = (near, nearName, far, farName);
        near.CreateVeth(nearName, farName, far, new LinkOptions { Queues = queues });
        foreach ((NetworkNamespace space, string name) in (ReadOnlySpan<(NetworkNamespace, string)>)[(near, nearName), (far, farName)])
        {
            space.DisableIpv6(name);
            space.SetOffload(name, "gro", true);
            space.SetUp(name);
        }
    }

    public NetworkNamespace Near { get; }

    public string NearName { get; }

    public NetworkNamespace Far { get; }

    public string FarName { get; }

    /// <summary>Frames that came out at the far end.</summary>
    public long ArrivedFar => Far.GetCounters(FarName).RxPackets;

    public NetmapPort OpenNear(NetmapEngine engine, string suffix) => Open(Near, NearName, engine, suffix);

    public NetmapPort OpenFar(NetmapEngine engine, string suffix) => Open(Far, FarName, engine, suffix);

    /// <summary>What a thread that sends as fast as it can is told.</summary>
    public static Sender MakeSender(NetmapPort port, int bytes, int cpu, CancellationToken stop, string function = "tx")
    {
        PktGenOptions options = new()
        {
            Interface = port.Name,
            Function = function,
            MinSize = bytes,
            MaxSize = bytes,
            Burst = WireCase.Batch,
            FirstCpu = cpu,
            DestinationMac = PhysicalAddress.Parse(Stranger).GetAddressBytes(),
        };
        return new(options, port, PhysicalAddress.Parse(SenderMac).GetAddressBytes(), 0, stop);
    }

    private static NetmapPort Open(NetworkNamespace space, string name, NetmapEngine engine, string suffix) =>
        space.Run(() => NetmapPort.Open($"netmap:{name}{suffix}", engine: engine));
}
