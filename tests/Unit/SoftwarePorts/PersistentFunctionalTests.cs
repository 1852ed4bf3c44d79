using Netmap.Interop;
using Netmap.Tests.Unit.Vale;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>
/// The rows of netmap's utils/tests (spec 13) for ports that stay: made with VALE_NEWIF, attached, opened as ports of their
/// switch and monitored by their plain name. Rows 009 to 011 are in PersistentPortTests.
/// </summary>
public sealed unsafe class PersistentFunctionalTests : IDisposable
{
    private readonly SwitchLab _lab = new();
    private readonly List<RawPort> _ports = [];

    public PersistentFunctionalTests()
    {
        foreach (string name in (string[])["v0", "v1", "v2"])
        {
            Assert.Equal(Errno.Success, _lab.NewInterface(name));
            Assert.Equal(Errno.Success, _lab.Attach("vale0:" + name));
        }
    }

    public void Dispose()
    {
        foreach (RawPort port in _ports)
            port.Dispose();
        _lab.Dispose();
    }

    /// <summary>002.</summary>
    [Fact]
    public void AfterAnExclusiveOpenAnotherFails()
    {
        Open("vale0:v0", NetmapH.NR_EXCLUSIVE);
        using RawPort second = new(_lab.Engine);
        Assert.Equal(Errno.EBUSY, second.Bind("vale0:v0", flags: NetmapH.NR_EXCLUSIVE));
        Assert.Equal(Errno.EBUSY, second.Bind("vale0:v0"));
        Assert.Equal(Errno.EBUSY, second.Bind("v0"));
    }

    /// <summary>005 and 022: to both others, in every direction; from extra buffers.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void BroadcastsReachBothOthersInEveryDirection(int seed)
    {
        RawPort[] ports = [Open("vale0:v0"), Open("vale0:v1"), Open("vale0:v2", extra: 1)];
        Extra(ports[2]);
        for (int from = 0; from < 3; from++)
        {
            byte[][] packets = Traffic.Some(seed + from, from: 0x02_0000_0000_10 + (ulong)from);
            ports[from].Send(packets);
            for (int to = 0; to < 3; to++)
                ports[to].Gets(to == from ? [] : packets);
        }
    }

    /// <summary>013, 016, 019, 026.</summary>
    [Theory]
    [InlineData(NetmapH.NR_MONITOR_RX, 3)]
    [InlineData(NetmapH.NR_MONITOR_TX, 4)]
    [InlineData(NetmapH.NR_ZCOPY_MON | NetmapH.NR_MONITOR_RX, 5)]
    [InlineData(NetmapH.NR_ZCOPY_MON | NetmapH.NR_MONITOR_TX, 6)]
    public void MonitorsAreOpenedByThePlainName(ulong flags, int seed)
    {
        bool ofReceiver = (flags & NetmapH.NR_MONITOR_RX) != 0;
        bool zeroCopy = (flags & NetmapH.NR_ZCOPY_MON) != 0;
        (RawPort receiver, RawPort sender) = (Open("vale0:v0"), Open("vale0:v1"));
        RawPort monitor = Open(ofReceiver ? "v0" : "v1", flags);
        byte[][] packets = Traffic.Some(seed);
        sender.Send(packets);
        monitor.Gets(zeroCopy && ofReceiver ? [] : packets);
        receiver.Gets(packets);
        monitor.Gets(zeroCopy && ofReceiver ? packets : []);
    }

    /// <summary>The first slot to send from gets the extra buffer.</summary>
    private static void Extra(RawPort port)
    {
        netmap_slot* slot = RawPort.Slots(port.Tx());
        uint extra = port.Interface->ni_bufs_head;
        *(uint*)RawPort.Buffer(port.Tx(), slot->buf_idx) = 0;
        port.Interface->ni_bufs_head = slot->buf_idx;
        (slot->buf_idx, slot->flags) = (extra, NetmapH.NS_BUF_CHANGED);
    }

    private RawPort Open(string name, ulong flags = 0, uint extra = 0)
    {
        RawPort port = new(_lab.Engine);
        _ports.Add(port);
        Assert.Equal(Errno.Success, port.Bind(name, flags: flags, extra: extra));
        return port;
    }
}
