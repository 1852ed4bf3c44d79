using Netmap.Links;

namespace Netmap.Tests.Netns.Links;

public sealed class NetworkNamespaceTests
{
    public NetworkNamespaceTests() => Privileges.RequireNamespaces();

    [Fact]
    public void VethPairsAreMadeRenamedAndDeletedAcrossNamespaces()
    {
        using NetworkNamespace left = NetworkNamespace.Create();
        using NetworkNamespace right = NetworkNamespace.Create();
        left.CreateVeth("a", "b", right, new LinkOptions { Mtu = 1400, Queues = 2 });
        left.SetUp("a");
        right.SetUp("b");
        right.AddAddress("b", "10.9.8.7/24");
        right.Rename("b", "c");
        Assert.Equal(["c", "lo"], Names(right));
        Assert.Equal(["a", "lo"], Names(left));
        left.Delete("a");
        Assert.Equal(["lo"], Names(right));
    }

    [Fact]
    public void RefusalsNameTheInterfaceTheErrnoAndTheReason()
    {
        using NetworkNamespace here = NetworkNamespace.Create();
        here.CreateVeth("a", "b");
        NetmapException twice = Assert.Throws<NetmapException>(() => here.CreateVeth("a", "x"));
        Assert.Equal("EEXIST", twice.ErrorName);
        Assert.Contains("create veth pair a", twice.Message);
        Assert.Equal("ENODEV", Assert.Throws<NetmapException>(() => here.SetUp("nosuch")).ErrorName);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => here.SetMtu("a", 1)).ErrorName);
    }

    [Fact]
    public void CountersAndOffloads()
    {
        using NetworkNamespace here = NetworkNamespace.Create();
        here.CreateVeth("a", "b");
        here.SetOffload("a", "tx-checksum", false);
        here.SetOffload("a", "rx-vlan", false);
        here.DisableIpv6("a");
        here.DisableIpv6("b");
        here.SetUp("a");
        here.SetUp("b");
        Assert.Equal(default, here.GetCounters("b"));
    }

    [Fact]
    public void NothingIsLeftOpen()
    {
        using (NetworkNamespace.Create())
        {
            // Whatever is opened once for the process's lifetime is open now.
        }
        OpenResources before = OpenResources.Settled();
        for (int i = 0; i < 5; i++)
        {
            using NetworkNamespace here = NetworkNamespace.Create();
            here.CreateVeth("a", "b");
        }
        before.CheckNothingMoreIsOpen();
    }

    private static string[] Names(NetworkNamespace space) => space.Run(() =>
        File.ReadAllLines("/proc/thread-self/net/dev").Skip(2).Select(l => l.Split(':')[0].Trim()).Order().ToArray());
}
