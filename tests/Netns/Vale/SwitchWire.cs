using Netmap.Links;

namespace Netmap.Tests.Netns.Vale;

/// <summary>
/// Two namespaces joined only by a switch: <c>a1</c> in the left one and <c>b1</c> in the right one are the far ends of
/// <c>a0</c> and <c>b0</c>, which a namespace of their own holds for the switch <c>vale0</c>. Addresses 10.9.1.1 and 10.9.1.2.
/// </summary>
internal sealed class SwitchWire : IDisposable
{
    public const string Left = "10.9.1.1";
    public const string Right = "10.9.1.2";

    public SwitchWire(LinkOptions? options = null)
    {
        Privileges.RequireNamespaces();
        LeftSpace = NetworkNamespace.Create();
        RightSpace = NetworkNamespace.Create();
        Middle = NetworkNamespace.Create();
        Engine = new NetmapEngine();
        Switch = NetmapSwitch.Create("vale0", engine: Engine);
        Connect("a", LeftSpace, Left, options);
        Connect("b", RightSpace, Right, options);
    }

    public NetworkNamespace LeftSpace { get; }

    public NetworkNamespace RightSpace { get; }

    /// <summary>Where the switch's ends of the wires are.</summary>
    public NetworkNamespace Middle { get; }

    public NetmapEngine Engine { get; }

    public NetmapSwitch Switch { get; }

    /// <summary>Puts both ends onto the switch.</summary>
    public SwitchWire Attached(AttachOptions? options = null)
    {
        Attach("a0", options);
        Attach("b0", options);
        return this;
    }

    public SwitchPortInfo Attach(string name, AttachOptions? options = null) => Middle.Run(() => Switch.Attach(name, options));

    public SwitchPortStatistics Port(string name) => Switch.GetStatistics().Ports.Single(port => port.Name == name);

    public void Dispose()
    {
        Switch.Dispose();
        Engine.Dispose();
        LeftSpace.Dispose();
        RightSpace.Dispose();
        Middle.Dispose();
    }

    private void Connect(string letter, NetworkNamespace far, string address, LinkOptions? options)
    {
        Middle.CreateVeth(letter + "0", letter + "1", far, options);
        Middle.DisableIpv6(letter + "0");
        far.DisableIpv6(letter + "1");
        Middle.SetUp(letter + "0");
        far.SetUp(letter + "1");
        far.AddAddress(letter + "1", address + "/24");
    }
}
