using System.Net;
using System.Net.Sockets;
using Netmap.Bpf;
using Netmap.Links;
using Netmap.Tests.Netns.Native;

namespace Netmap.Tests.Netns.Filters;

/// <summary>Ports with a filter on a live interface: its frames come to the port, and to it alone; all else is the host's.</summary>
public sealed class FilterTrafficTests
{
    private const string Tunnels = "udp dst port 4789";

    public enum How
    {
        Native,
        NativePlain,
        Generic,
    }

    /// <summary>Tunnels to us; a conversation of the host on the same interface goes on undisturbed.</summary>
    [Theory]
    [InlineData(How.Native)]
    [InlineData(How.NativePlain)]
    [InlineData(How.Generic)]
    public void TunnelsAreTakenAndAConversationGoesOn(How how)
    {
        Privileges.RequireBpf();
        using VethLab lab = Create(how);
        using Tunnel tunnel = new(lab);
        using TcpConversation shell = Shell(lab);
        shell.Type(1);
        using NetmapPort left = lab.OpenLeft(options: new NetmapPortOptions { Filter = Tunnels });
        Assert.Contains(Tunnels, left.Info.Mode);
        Assert.True(left.Info.TakesFromHost);
        for (int i = 0; i < 200; i++)
        {
            tunnel.Send((byte)i);
            shell.Type((byte)i);
            Assert.Equal(i, NativeLab.One(left)[^1]);
        }
        shell.Exchange(4 << 20);
        RingStatistics rx = left.GetStatistics().Rx[0];
        Assert.Equal((200, 0), (rx.Packets, rx.Drops.Count));
        Assert.False(tunnel.HostHasFrames, "the host has got a frame that was the port's");
        left.Dispose();
        tunnel.Send(7);
        Assert.Equal(7, tunnel.TakeFromHost());
        shell.Type(2);
    }

    /// <summary>What such a port sends goes out, and the host's frames do too.</summary>
    [Theory]
    [InlineData(How.Native)]
    [InlineData(How.Generic)]
    public void APortWithAFilterSends(How how)
    {
        Privileges.RequireBpf();
        using VethLab lab = Create(how);
        using NetmapPort left = lab.OpenLeft(options: new NetmapPortOptions { Filter = Tunnels });
        using NetmapPort right = lab.OpenRight(options: new NetmapPortOptions { Filter = "ether proto 0x88b5" });
        using TcpConversation shell = Shell(lab);
        for (int i = 0; i < 300; i++)
        {
            NativeLab.Send(left, i);
            Assert.Equal(TestFrame.Numbered(i, 60), NativeLab.One(right));
        }
        shell.Exchange(1 << 20);
        Assert.Equal(300, right.GetStatistics().Rx[0].Packets);
    }

    /// <summary>A tag that the kernel keeps beside the frame counts as it does on the wire.</summary>
    [Theory]
    [InlineData(How.NativePlain)]
    [InlineData(How.Generic)]
    public void TaggedFramesAreToldFromOthers(How how)
    {
        Privileges.RequireBpf();
        using VethLab lab = Create(how);
        using NetmapPort left = lab.OpenLeft(options: new NetmapPortOptions { Filter = "vlan 5 and udp port 4789" });
        using TcpConversation shell = Shell(lab);
        using Tunnel tunnel = new(lab);
        tunnel.Send(1);
        using (BpfLink tagger = NativeLab.AttachTagger(lab.Right, "v1", 0x8100, 6))
            tunnel.Send(2);
        using (BpfLink tagger = NativeLab.AttachTagger(lab.Right, "v1", 0x8100, 0x2005))
            tunnel.Send(3);
        byte[] frame = NativeLab.One(left);
        Assert.Equal([0x81, 0x00, 0x20, 0x05], frame[12..16]);
        Assert.Equal(3, frame[^1]);
        shell.Type(1);
        Assert.Equal(1, left.GetStatistics().Rx[0].Packets);
    }

    /// <summary>Frames of a ring nobody has are the host's, whatever the filter says.</summary>
    [Fact]
    public void AGenericPortWithSeveralRingsFilters()
    {
        Privileges.RequireBpf();
        using VethLab lab = new VethLab(new LinkOptions { Queues = 3 }).WithAddresses();
        using Tunnel tunnel = new(lab);
        int taken = 0;
        int left = 0;
        for (int ring = 0; ring < 3; ring++)
        {
            using NetmapPort port = lab.OpenLeft($"-{ring}/R", new() { Filter = Tunnels });
            using TcpConversation shell = Shell(lab);
            tunnel.Send(7);
            shell.Type(1);
            port.RxSync();
            taken += port.RxRings[0].Available;
            left += tunnel.HostHasFrames && tunnel.TakeFromHost() == 7 ? 1 : 0;
            Assert.Equal(ring + 1, taken + left);
        }
        Assert.Equal((1, 2), (taken, left));
    }

    [Theory]
    [InlineData(How.Native)]
    [InlineData(How.Generic)]
    public void AllWhoReceiveHaveTheSameFilter(How how)
    {
        Privileges.RequireBpf();
        using VethLab lab = Create(how);
        using NetmapPort port = lab.OpenLeft(options: new NetmapPortOptions { Filter = Tunnels });
        foreach (string? other in (string?[])["udp dst port 4790", null])
        {
            NetmapException refused = Assert.Throws<NetmapException>(() => lab.OpenLeft(options: new NetmapPortOptions { Filter = other }));
            Assert.Equal("EBUSY", refused.ErrorName);
            Assert.Contains($"\"{Tunnels}\"", refused.Message);
        }
        using NetmapPort same = lab.OpenLeft(options: new NetmapPortOptions { Filter = "udp   dst port 4789" });
        using NetmapPort sender = lab.OpenLeft("/T");
        Assert.Equal("EOPNOTSUPP", Assert.Throws<NetmapException>(() => lab.OpenLeft("^", new NetmapPortOptions { Filter = Tunnels })).ErrorName);
    }

    [Fact]
    public void AFilterCannotComeToAPortThatIsOpenWithoutOne()
    {
        Privileges.RequireBpf();
        using VethLab lab = Create(How.Generic);
        using NetmapPort port = lab.OpenLeft();
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.OpenLeft(options: new NetmapPortOptions { Filter = Tunnels }));
        Assert.Equal("EBUSY", refused.ErrorName);
        Assert.Contains("no filter", refused.Message);
    }

    [Theory]
    [InlineData(How.Native, "udp port", "syntax error")]
    [InlineData(How.Generic, "udp port", "syntax error")]
    [InlineData(How.Generic, "ether proto 0x800 and ether proto 0x806", "rejects all packets")]
    public void AFilterThatMakesNoSenseIsOneLine(How how, string filter, string words)
    {
        Privileges.RequireBpf();
        using VethLab lab = Create(how);
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.OpenLeft(options: new NetmapPortOptions { Filter = filter }));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains(words, refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
    }

    private static VethLab Create(How how) => how == How.Generic
        ? new VethLab().WithAddresses()
        : NativeLab.Create(how == How.Native ? NativeGear.Auto : NativeGear.Plain).WithAddresses();

    private static TcpConversation Shell(VethLab lab) => new(lab.Right, lab.Left, "10.9.0.1", 22);

    /// <summary>From the right host to the left one, which listens: datagrams as a tunnel's.</summary>
    private sealed class Tunnel : IDisposable
    {
        private readonly Socket _sender;
        private readonly Socket _listener;

        public Tunnel(VethLab lab)
        {
            _sender = lab.Right.Run(Udp);
            _listener = lab.Left.Run(Udp);
            _listener.ReceiveTimeout = 10_000;
            _listener.Bind(new IPEndPoint(IPAddress.Any, 4789));
        }

        public bool HostHasFrames => _listener.Poll(0, SelectMode.SelectRead);

        public void Send(byte content) => _sender.SendTo([content], new IPEndPoint(IPAddress.Parse("10.9.0.1"), 4789));

        /// <summary>The next one the left host has got, waited for.</summary>
        public byte TakeFromHost()
        {
            byte[] content = new byte[8];
            Assert.Equal(1, _listener.Receive(content));
            return content[0];
        }

        public void Dispose()
        {
            _sender.Dispose();
            _listener.Dispose();
        }

        private static Socket Udp() => new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    }
}
