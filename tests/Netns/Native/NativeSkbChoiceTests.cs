using System.Net;
using System.Net.Sockets;
using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Tests.Netns.Host;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>
/// Where a driver has no XDP: native with generic XDP if frames are whole there, else generic, saying what would not be seen.
/// </summary>
public sealed class NativeSkbChoiceTests
{
    private static readonly NetmapEngineOptions s_best = NativeLab.Options with { AdapterMode = AdapterMode.Best };

    public NativeSkbChoiceTests() => Privileges.RequireBpf();

    /// <summary>The loopback has no offload for tags, and the kernel writes them into frames on their way to it.</summary>
    [Fact]
    public void WhereEveryTagIsInItsFrameItIsNative()
    {
        using NetworkNamespace here = Loopback();
        using NetmapEngine engine = new(s_best);
        Assert.Equal((true, "native"), Port(here, engine, "lo"));
        using NetmapPort port = here.Run(() => NetmapPort.Open("netmap:lo/R", engine: engine));
        Assert.Equal("native", port.Info.Adapter);
        Assert.Contains("XDP program behind the driver (skb mode: the driver refused, EOPNOTSUPP)", port.Info.Mode);
        Assert.DoesNotContain("does not see", port.Info.Mode);
        Assert.Equal("08-00-45", Beginning(ReceiveFromHost(here, port)));
        using (BpfLink tagger = NativeLab.AttachTagger(here, "lo", 0x8100, 42))
            Assert.Equal("81-00-00-2A-08-00-45", Beginning(ReceiveFromHost(here, port)));
        using (BpfLink tagger = NativeLab.AttachTagger(here, "lo", 0x88a8, 7))
            Assert.Equal("88-A8-00-07-08-00-45", Beginning(ReceiveFromHost(here, port)));
    }

    /// <summary>
    /// The tag was in the frame on the wire, and neither interface has the offload; yet the kernel took it out where the frame
    /// came in.
    /// </summary>
    [Theory]
    [InlineData("macvlan")]
    [InlineData("bridge")]
    public void OnTopOfAnotherInterfaceItIsGenericAndTheReasonIsTrue(string kind)
    {
        using VethLab lab = On(kind, out string name);
        Assert.Empty(TagOffloads(lab.Left, name)!);
        byte[] tagged = [.. TestFrame.Numbered(1, 60)[..12], 0x81, 0, 0, 42, .. TestFrame.Numbered(1, 60)[12..]];
        using NetmapEngine best = new(s_best);
        Assert.Equal((true, "generic"), Port(lab.Left, best, name));
        Assert.Equal("generic", lab.Left.Run(() => NetmapPort.Query("netmap:" + name, best)).Adapter);
        using (NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:" + name, engine: best)))
        {
            Assert.Equal("generic", port.Info.Adapter);
            Assert.Contains($"does not show VLAN tags and unfinished checksums beside the frames of a {kind} interface", port.Info.WhyNotNative);
            Assert.Contains("AdapterMode.Native", port.Info.WhyNotNative);
            Assert.Equal(tagged, Through(lab, port, tagged));
        }
        Assert.Equal((true, "native"), Port(lab.Left, lab.Engine, name));
        using NetmapPort forced = lab.Left.Run(() => NetmapPort.Open("netmap:" + name, engine: lab.Engine));
        Assert.Equal("native", forced.Info.Adapter);
        Assert.Contains($"; it does not see VLAN tags and unfinished checksums beside the frames of a {kind} interface", forced.Info.Mode);
        Assert.Equal(TestFrame.Numbered(1, 60), Through(lab, forced, tagged));
    }

    /// <summary>A tunnel's frames have their tags, but the checksum of a super-frame is beside it.</summary>
    [Fact]
    public void ATunnelIsGenericForItsChecksums()
    {
        using VethLab lab = NativeLab.Create(engine: s_best).WithAddresses();
        Tunnel(lab.Left, "v0", "10.9.0.1", "10.9.0.2", VethLab.LeftMac);
        Tunnel(lab.Right, "v1", "10.9.0.2", "10.9.0.1", VethLab.RightMac);
        lab.Right.AddAddress("x0", "10.7.0.2/24");
        lab.Right.AddNeighbor("x0", "10.7.0.1", VethLab.LeftMac);
        using NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:x0/R", engine: lab.Engine));
        Assert.Contains("a vxlan interface", port.Info.WhyNotNative);
        KernelHostTests.SendUdp(lab.Right, "10.7.0.1", KernelHostTests.Data(7000), segment: 1000);
        byte[] frame = NativeLab.One(port);
        Assert.Equal((14 + 28 + 7000, 1), (frame.Length, port.GetStatistics().Rx[0].ChecksumsCompleted));
    }

    [Fact]
    public void TheOffloadsThatTakeTagsOutAreToldAsTheyAreNow()
    {
        Peer.Require("ethtool", "ethtool");
        using VethLab lab = NativeLab.Create();
        Assert.Equal(["rxvlan", "rx-vlan-stag-hw-parse"], TagOffloads(lab.Left, "v0"));
        // The names are what ethtool takes.
        Assert.Empty(Peer.Run(lab.Left, "ethtool", "-K", "v0", "rxvlan", "off"));
        Assert.Equal(["rx-vlan-stag-hw-parse"], TagOffloads(lab.Left, "v0"));
        Assert.Empty(Peer.Run(lab.Left, "ethtool", "-K", "v0", "rx-vlan-stag-hw-parse", "off"));
        Assert.Empty(TagOffloads(lab.Left, "v0")!);
        Assert.Null(TagOffloads(lab.Left, "nosuch0"));
    }

    private static NetworkNamespace Loopback()
    {
        NetworkNamespace here = NetworkNamespace.Create();
        here.SetMtu("lo", 1500);
        return here;
    }

    private static VethLab On(string kind, out string name)
    {
        name = kind == "macvlan" ? "m0" : "br0";
        if (kind == "macvlan")
            return NativeLab.CreateMacvlan();
        VethLab lab = NativeLab.Create();
        lab.Left.CreateBridge(name);
        lab.Left.DisableIpv6(name);
        lab.Left.SetMac(name, VethLab.RightMac);
        lab.Left.SetMaster("v0", name);
        lab.Left.SetUp(name);
        return lab;
    }

    private static void Tunnel(NetworkNamespace space, string below, string from, string to, string mac)
    {
        Peer.Require("ip", "iproute2");
        Assert.Empty(Peer.Run(space, "ip", "link", "add", "x0", "type", "vxlan", "id", "1", "dev", below, "local", from, "remote", to, "dstport", "4789"));
        space.DisableIpv6("x0");
        space.SetMac("x0", mac);
        space.SetUp("x0");
    }

    /// <summary>What arrives when the other end of the wire sends this.</summary>
    private static byte[] Through(VethLab lab, NetmapPort port, byte[] frame)
    {
        using NetmapEngine engine = new(NativeLab.Options);
        using NetmapPort far = lab.Right.Run(() => NetmapPort.Open("netmap:v1", engine: engine));
        // A bridge forwards once it knows that its link is up.
        for (int i = 0; i < 50 && port.RxRings[0].Available == 0; i++)
        {
            Assert.True(far.TxRings[0].TrySend(frame));
            far.TxSync();
            port.Poll(PollEvents.Receive, VethLab.Soon / 50);
        }
        return NativeLab.One(port);
    }

    private static byte[] ReceiveFromHost(NetworkNamespace here, NetmapPort port)
    {
        here.Run(() =>
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.SendTo(KernelHostTests.Data(100), new IPEndPoint(IPAddress.Loopback, 9));
        });
        return NativeLab.One(port);
    }

    private static string Beginning(byte[] frame) => BitConverter.ToString(frame, 12, frame[12] == 8 ? 3 : 7);

    private static IReadOnlyList<string>? TagOffloads(NetworkNamespace space, string name) => space.Run(() =>
    {
        using SafeDescriptor control = InterfaceQuery.OpenSocket();
        return EthtoolQuery.TagOffloads(control.Fd, name);
    });

    private static (bool Available, string Consequence) Port(NetworkNamespace space, NetmapEngine engine, string name)
    {
        ProbeResult port = space.Run(() => KernelProbe.Run(name, engine)).Single(result => result.Feature == "port");
        return (port.Available, port.Consequence);
    }
}
