using System.Net.Sockets;
using Netmap.Links;
using Netmap.Tests.Netns.Host;
using Netmap.Tests.Netns.Native;

namespace Netmap.Tests.Netns.Ports;

/// <summary>
/// Closing where the kernel gives no descriptor for another program: it ends, and the host is the one who gains. When there
/// are descriptors again, all is as before.
/// </summary>
public sealed class CloseWithoutDescriptorsTests
{
    public CloseWithoutDescriptorsTests() => Privileges.RequireBpf();

    [Fact]
    public void ARingOfSeveralClosesAndTheHostHasItsFrames()
    {
        using VethLab lab = new VethLab(new LinkOptions { Queues = 2 }).WithAddresses();
        using Socket host = lab.Left.Run(() => KernelHostTests.Bound(9999));
        using NetmapPort first = lab.OpenLeft("-0");
        lab.OpenLeft("-1").Dispose();
        NetmapPort second = lab.OpenLeft("-1");
        Assert.True(first.Info.TakesFromHost);
        using (new DescriptorLimit())
            second.Dispose();
        Assert.False(first.Info.TakesFromHost);
        Assert.Contains("EMFILE", first.Info.Mode);
        KernelHostTests.SendUdp(lab.Right, "10.9.0.1", [1, 2, 3]);
        Assert.True(host.Poll(VethLab.Soon, SelectMode.SelectRead));
        using NetmapPort again = lab.OpenLeft("-1");
        Assert.True(first.Info.TakesFromHost);
    }

    /// <summary>What the host sends goes to the wire; the port's other rings go on.</summary>
    [Theory]
    [InlineData(AdapterMode.Generic)]
    [InlineData(AdapterMode.Native)]
    public void HostRingsCloseAndTheHostHasItsInterface(AdapterMode mode)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode }).WithAddresses();
        using Socket far = lab.Right.Run(() => KernelHostTests.Bound(9999));
        using NetmapPort nic = lab.OpenLeft();
        lab.OpenLeft("^").Dispose();
        NetmapPort host = lab.OpenLeft("^");
        using (new DescriptorLimit())
            host.Dispose();
        Assert.Contains("EMFILE", nic.Info.Mode);
        KernelHostTests.SendUdp(lab.Left, "10.9.0.2", [1, 2, 3]);
        Assert.True(far.Poll(VethLab.Soon, SelectMode.SelectRead));
        nic.TxRings[0].TrySend(KernelHostTests.Datagram([4]));
        nic.TxSync();
        using NetmapPort again = lab.OpenLeft("^");
        Assert.DoesNotContain("EMFILE", nic.Info.Mode);
        KernelHostTests.SendUdp(lab.Left, "10.9.0.2", [5, 6]);
        Assert.Equal(PollEvents.Receive, again.Poll(PollEvents.Receive, VethLab.Soon));
    }

    /// <summary>A file that could not be opened for the same reason leaves nothing on.</summary>
    [Theory]
    [InlineData(AdapterMode.Generic)]
    [InlineData(AdapterMode.Native)]
    public void AFileThatCannotBeOpenedLeavesTheOthersAsTheyWere(AdapterMode mode)
    {
        using VethLab lab = NativeLab.Create(2, engine: NativeLab.Options with { AdapterMode = mode }).WithAddresses();
        using RawPort first = new(lab.Engine);
        using RawPort second = new(lab.Engine);
        lab.Left.Run(() => Assert.Equal(Interop.Errno.Success, first.Bind("v0", Interop.NetmapReq.NR_REG_ONE_NIC)));
        Refuse(lab);
        int before = first.Memory.Available.Buffers;
        (Interop.Errno Ring, Interop.Errno Host) refused = default;
        lab.Left.Run(() =>
        {
            using (new DescriptorLimit())
                refused = (second.Bind("v0", Interop.NetmapReq.NR_REG_ONE_NIC, ring: 1), second.Bind("v0", Interop.NetmapReq.NR_REG_SW));
        });
        Assert.NotEqual(Interop.Errno.Success, refused.Ring);
        Assert.NotEqual(Interop.Errno.Success, refused.Host);
        Adapters.NetmapAdapter adapter = first.File.Registration!.Adapter;
        Assert.Equal([true, false], adapter.TxRings.Select(ring => ring.On));
        Assert.Equal([true, false], adapter.RxRings.Select(ring => ring.On));
        Assert.DoesNotContain(adapter.AllRxRings, ring => ring.On != ring.Exists);
        Assert.Equal(Interop.Errno.Success, first.RxSync());
        Assert.Equal(before, first.Memory.Available.Buffers);
        lab.Left.Run(() => Assert.Equal(Interop.Errno.Success, second.Bind("v0", Interop.NetmapReq.NR_REG_ONE_NIC, ring: 1)));
    }

    /// <summary>Once with what is refused otherwise, and once with success.</summary>
    private static void Refuse(VethLab lab)
    {
        using RawPort other = new(lab.Engine);
        using RawPort another = new(lab.Engine);
        lab.Left.Run(() =>
        {
            Assert.Equal(Interop.Errno.EBUSY, other.Bind("v0", Interop.NetmapReq.NR_REG_ALL_NIC, flags: Interop.NetmapH.NR_EXCLUSIVE));
            Assert.Equal(Interop.Errno.Success, other.Bind("v0", Interop.NetmapReq.NR_REG_ONE_NIC, ring: 1));
            Assert.Equal(Interop.Errno.Success, another.Bind("v0", Interop.NetmapReq.NR_REG_SW));
        });
    }
}
