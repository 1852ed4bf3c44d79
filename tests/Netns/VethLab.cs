using Netmap.Links;

namespace Netmap.Tests.Netns;

/// <summary>
/// Two namespaces joined by a veth pair, quiet and up: left has <c>v0</c>, right has <c>v1</c>. Ports are generic unless
/// other options are given. All gone on dispose.
/// </summary>
internal sealed class VethLab : IDisposable
{
    public VethLab(LinkOptions? options = null, bool up = true, NetmapEngineOptions? engine = null)
    {
        Privileges.RequireNamespaces();
        Left = NetworkNamespace.Create();
        Right = NetworkNamespace.Create();
        Engine = new NetmapEngine(engine ?? Generic);
        Left.CreateVeth("v0", "v1", Right, options);
        Left.SetMac("v0", LeftMac);
        Right.SetMac("v1", RightMac);
        Left.DisableIpv6("v0");
        Right.DisableIpv6("v1");
        if (up)
        {
            Left.SetUp("v0");
            Right.SetUp("v1");
        }
    }

    public const string LeftMac = "02:00:00:00:00:01";
    public const string RightMac = "02:00:00:00:00:02";

    /// <summary>What the packet device's tests are about.</summary>
    public static readonly NetmapEngineOptions Generic = new() { AdapterMode = AdapterMode.Generic };

    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    public NetworkNamespace Left { get; }

    public NetworkNamespace Right { get; }

    public NetmapEngine Engine { get; }

    public NetmapPort OpenLeft(string suffix = "", NetmapPortOptions? options = null) =>
        Left.Run(() => NetmapPort.Open("netmap:v0" + suffix, options, Engine));

    public NetmapPort OpenRight(string suffix = "", NetmapPortOptions? options = null) =>
        Right.Run(() => NetmapPort.Open("netmap:v1" + suffix, options, Engine));

    /// <summary>Gives both ends an address: 10.9.0.1 left, 10.9.0.2 right, neighbours known, so that no ARP is on the wire.</summary>
    public VethLab WithAddresses()
    {
        Left.AddAddress("v0", "10.9.0.1/24");
        Right.AddAddress("v1", "10.9.0.2/24");
        Left.AddNeighbor("v0", "10.9.0.2", RightMac);
        Right.AddNeighbor("v1", "10.9.0.1", LeftMac);
        return this;
    }

    public void Dispose()
    {
        Engine.Dispose();
        Left.Dispose();
        Right.Dispose();
    }
}
