using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Vale;

/// <summary>nr_cmd of the requests before version 14 (spec 3.6).</summary>
public sealed unsafe class LegacyValeTests : IDisposable
{
    private readonly SwitchLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void AttachAndDetach()
    {
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_ATTACH, "vale0:n0"));
        Assert.Equal(Errno.EBUSY, Run(NetmapLegacy.NETMAP_BDG_ATTACH, "vale0:n0"));
        Assert.Equal(Errno.EINVAL, Run(NetmapLegacy.NETMAP_BDG_ATTACH, "vale0:nosuch"));
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_DETACH, "vale0:n0"));
        Assert.Equal(Errno.ENXIO, Run(NetmapLegacy.NETMAP_BDG_DETACH, "vale0:n0"));
    }

    [Fact]
    public void PersistentPorts()
    {
        nmreq body = new() { nr_cmd = NetmapLegacy.NETMAP_BDG_NEWIF, nr_tx_slots = 64, nr_rx_rings = 3 };
        Assert.Equal(Errno.Success, _lab.Legacy(NetmapH.NIOCREGIF, "v0", ref body));
        Assert.Equal((64u, 1024u, 1, 3), (body.nr_tx_slots, body.nr_rx_slots, body.nr_tx_rings, body.nr_rx_rings));
        Assert.NotEqual(0, body.nr_arg2);
        Assert.Equal(Errno.EINVAL, Run(NetmapLegacy.NETMAP_BDG_NEWIF, "v1", arg2: 99));
        Assert.Equal(Errno.EEXIST, Run(NetmapLegacy.NETMAP_BDG_NEWIF, "v0"));
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_DELIF, "v0"));
        Assert.Equal(Errno.ENXIO, Run(NetmapLegacy.NETMAP_BDG_DELIF, "v0"));
    }

    [Fact]
    public void HeaderLengths()
    {
        using NetmapPort port = _lab.Open("vale0:p");
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_VNET_HDR, "vale0:p", arg1: 12));
        nmreq body = new() { nr_cmd = NetmapLegacy.NETMAP_VNET_HDR_GET };
        Assert.Equal(Errno.Success, _lab.Legacy(NetmapH.NIOCREGIF, "vale0:p", ref body));
        Assert.Equal(12, body.nr_arg1);
        Assert.Equal(Errno.EINVAL, Run(NetmapLegacy.NETMAP_BDG_VNET_HDR, "vale0:p", arg1: 13));
        Assert.Equal(Errno.ENXIO, Run(NetmapLegacy.NETMAP_BDG_VNET_HDR, "vale0:nosuch", arg1: 12));
    }

    [Fact]
    public void Polling()
    {
        Assert.SkipUnless(Environment.ProcessorCount > 1, "polling needs a second CPU");
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_ATTACH, "vale0:n0"));
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_POLLING_ON, "vale0:n0", arg1: 1, flags: NetmapReq.NR_REG_ONE_NIC));
        Assert.Equal(Errno.EFAULT, Run(NetmapLegacy.NETMAP_BDG_POLLING_ON, "vale0:n0", arg1: 1, flags: NetmapReq.NR_REG_ONE_NIC));
        Assert.Equal(Errno.Success, Run(NetmapLegacy.NETMAP_BDG_POLLING_OFF, "vale0:n0", arg1: 1, flags: NetmapReq.NR_REG_ONE_NIC));
        Assert.Equal(Errno.EINVAL, Run(NetmapLegacy.NETMAP_BDG_POLLING_ON, "vale0:n0", arg1: 1, flags: NetmapReq.NR_REG_SW));
    }

    [Fact]
    public void ListByNumberAndByName()
    {
        using NetmapPort a = _lab.Open("vale0:a");
        using NetmapPort b = _lab.Open("vale1:b");
        nmreq body = new() { nr_cmd = NetmapLegacy.NETMAP_BDG_LIST, nr_arg1 = 1 };
        Assert.Equal(Errno.Success, _lab.Legacy(NetmapH.NIOCGINFO, "", ref body));
        Assert.Equal(("vale1:b", 1, 0), (PortNames.Read(new ReadOnlySpan<byte>(body.nr_name, 16)), body.nr_arg1, body.nr_arg2));
        body = new() { nr_cmd = NetmapLegacy.NETMAP_BDG_LIST };
        Assert.Equal(Errno.Success, _lab.Legacy(NetmapH.NIOCGINFO, "vale1:b", ref body));
        Assert.Equal((1, 0), (body.nr_arg1, body.nr_arg2));
        body = new() { nr_cmd = NetmapLegacy.NETMAP_BDG_LIST, nr_arg1 = 2 };
        Assert.Equal(Errno.ENOENT, _lab.Legacy(NetmapH.NIOCGINFO, "", ref body));
    }

    [Theory]
    [InlineData(NetmapLegacy.NETMAP_BDG_REGOPS, Errno.EINVAL)]
    [InlineData(NetmapLegacy.NETMAP_BDG_LIST, Errno.EINVAL)]
    [InlineData(13, Errno.EINVAL)]
    [InlineData(NetmapLegacy.NETMAP_PT_HOST_CREATE, Errno.ENOMEM)]
    [InlineData(NetmapLegacy.NETMAP_PT_HOST_DELETE, Errno.ENOMEM)]
    public void OtherCommands(int command, object expected) => Assert.Equal(expected, Run((ushort)command, "n0"));

    private Errno Run(ushort command, string name, ushort arg1 = 0, ushort arg2 = 0, uint flags = 0)
    {
        nmreq body = new() { nr_cmd = command, nr_arg1 = arg1, nr_arg2 = arg2, nr_flags = flags };
        return _lab.Legacy(NetmapH.NIOCREGIF, name, ref body);
    }
}
