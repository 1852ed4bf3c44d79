using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Tests.Netns.Links;

/// <summary>Lists, flags, offloads and steering of interfaces, as the kernel shows them afterwards.</summary>
public sealed class LinkSettingsTests : IDisposable
{
    private readonly NetworkNamespace _here;

    public LinkSettingsTests()
    {
        Privileges.RequireNamespaces();
        _here = NetworkNamespace.Create();
        _here.CreateVeth("a", "b", null, new LinkOptions { Mtu = 1400, Queues = 2 });
    }

    public void Dispose() => _here.Dispose();

    [Fact]
    public void TheListHasNamesIndicesStatesAndMtus()
    {
        _here.SetUp("a");
        IReadOnlyList<LinkInfo> links = _here.List();
        Assert.Equal(["a", "b", "lo"], links.Select(l => l.Name).Order());
        LinkInfo a = links.Single(l => l.Name == "a");
        Assert.Equal((true, 1400), (a.IsUp, a.Mtu));
        Assert.False(links.Single(l => l.Name == "b").IsUp);
        Assert.True(links.Single(l => l.Name == "lo").IsUp);
        Assert.Equal(links.Count, links.Select(l => l.Index).Distinct().Count());
    }

    [Fact]
    public void AListLongerThanOneMessageIsWhole()
    {
        for (int i = 0; i < 40; i++)
            _here.CreateVeth($"x{i}", $"y{i}");
        Assert.Equal(83, _here.List().Count);
    }

    [Fact]
    public void BridgesTakePortsAndAddressesAndFlagsStick()
    {
        _here.CreateBridge("br");
        _here.SetMaster("a", "br");
        _here.SetMac("a", "02:00:00:00:00:07");
        _here.AddAddress("b", "10.9.8.7/24");
        _here.AddNeighbor("b", "10.9.8.9", "02:00:00:00:00:09");
        Assert.Equal([2, 0, 0, 0, 0, 7], Ask(socket => InterfaceQuery.Mac(socket, "a")));
        _here.SetPromiscuous("b", true);
        Assert.True(Ask(socket => IsPromiscuous(socket, "b")));
        _here.SetPromiscuous("b", false);
        Assert.False(Ask(socket => IsPromiscuous(socket, "b")));
        Assert.Contains("10.9.8.9", _here.Run(() => File.ReadAllText("/proc/thread-self/net/arp")));
    }

    [Theory]
    [InlineData("tx-checksum")]
    [InlineData("tso")]
    [InlineData("gso")]
    [InlineData("gro")]
    [InlineData("rx-vlan")]
    [InlineData("tx-vlan")]
    public void AnOffloadIsReallySwitched(string offload)
    {
        _here.SetOffload("a", offload, false);
        Assert.Equal(0, Ask(socket => EthtoolQuery.GetOffload(socket, "a", offload)).Value);
        // Segmentation needs checksums and checksums scatter-gather: a veth has all of them.
        _here.SetOffload("a", offload, true);
        Assert.Equal(1, Ask(socket => EthtoolQuery.GetOffload(socket, "a", offload)).Value);
    }

    [Fact]
    public void ANameTooLongForAnInterfaceIsNotCutToAnother()
    {
        _here.Rename("a", "abcdefghijklmno");
        const string Longer = "abcdefghijklmnop";
        Assert.Equal("ENODEV", Refused(() => _here.SetOffload(Longer, "gro", false)));
        Assert.Equal("ENODEV", Refused(() => _here.SetUp(Longer)));
        Assert.NotEqual("Success", Refused(() => _here.CreateVeth(new string('x', 3000), "y")));
        Assert.Equal("EINVAL", Refused(() => _here.SetOffload("b", "nosuch", true)));
        Assert.Equal("ENODEV", Refused(() => _here.DisableIpv6("nosuch")));
    }

    [Fact]
    public void SteeringReachesEveryQueueAndLeavesNoMount()
    {
        Assert.SkipUnless(Privileges.HasBpf, "the kernel wants the machine's own CAP_NET_ADMIN for rps_cpus: run the tests as root");
        string mounts = File.ReadAllText("/proc/self/mounts");
        _here.SetReceivePacketSteering("b", 0b10);
        Assert.Equal([2UL, 2UL], Steering("b"));
        _here.SetReceivePacketSteering("b", 0);
        Assert.Equal([0UL, 0UL], Steering("b"));
        Assert.Equal(mounts, File.ReadAllText("/proc/self/mounts"));
        Assert.Equal("ENODEV", Refused(() => _here.SetReceivePacketSteering("nosuch", 1)));
        if (Environment.ProcessorCount < 32)
            Assert.Equal("EOVERFLOW", Refused(() => _here.SetReceivePacketSteering("b", 1UL << 63)));
    }

    /// <summary>What the kernel shows in a sysfs of the namespace, by a path of its own to it.</summary>
    private ulong[] Steering(string name) => _here.Run(() =>
    {
        Assert.False(Sched.unshare(Sched.CLONE_NEWNS).IsError);
        Assert.False(SysMount.mount("none", "/", null, SysMount.MS_REC | SysMount.MS_PRIVATE).IsError);
        Assert.False(SysMount.mount("sysfs", "/sys", "sysfs", 0).IsError);
        return Directory.GetDirectories($"/sys/class/net/{name}/queues", "rx-*")
            .Select(queue => Convert.ToUInt64(File.ReadAllText($"{queue}/rps_cpus").Trim().Replace(",", ""), 16))
            .ToArray();
    });

    private T Ask<T>(Func<int, T> question) => _here.Run(() =>
    {
        using SafeDescriptor socket = InterfaceQuery.OpenSocket();
        return question(socket.Fd);
    });

    private static bool IsPromiscuous(int socket, string name) =>
        (InterfaceQuery.Flags(socket, name).Value & LinuxIf.IFF_PROMISC) != 0;

    private static string Refused(Action action) => Assert.Throws<NetmapException>(action).ErrorName;
}
