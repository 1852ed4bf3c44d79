using Netmap.Interop;

namespace Netmap.Tests.Unit.Vale;

/// <summary>VALE_LIST, polling, header lengths, and what other requests say about attached interfaces.</summary>
public sealed unsafe class SwitchRequestTests : IDisposable
{
    private readonly SwitchLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData("n0", Errno.EINVAL)]
    [InlineData("vale9:x", Errno.ENOENT)]
    [InlineData("vale", Errno.ENOENT)]
    [InlineData("vale-:x", Errno.ENOENT)]
    public void ListRefusals(string name, object expected)
    {
        using NetmapPort port = _lab.Open("vale0:p");
        nmreq_vale_list body = default;
        Assert.Equal(expected, _lab.List(ref name, ref body));
    }

    [Fact]
    public void ListOfANameGivesItsIndicesAnd255ForAPortThatIsNotThere()
    {
        using NetmapPort a = _lab.Open("vale0:a");
        using NetmapPort b = _lab.Open("vale1:b");
        using NetmapPort c = _lab.Open("vale1:c");
        string name = "vale1:c";
        nmreq_vale_list body = new() { nr_bridge_idx = 7, nr_port_idx = 7 };
        Assert.Equal(Errno.Success, _lab.List(ref name, ref body));
        Assert.Equal((1, 1u, "vale1:c"), (body.nr_bridge_idx, body.nr_port_idx, name));
        name = "vale1:nosuch";
        Assert.Equal(Errno.Success, _lab.List(ref name, ref body));
        Assert.Equal((1, 255u), (body.nr_bridge_idx, body.nr_port_idx));
    }

    [Fact]
    public void ListWalksAllPortsOfAllSwitches()
    {
        using NetmapPort a = _lab.Open("vale0:a");
        using NetmapPort b = _lab.Open("vale1:b");
        using NetmapPort gap = _lab.Open("vale1:gap");
        using NetmapPort c = _lab.Open("vale1:c");
        gap.Dispose();
        List<string> seen = [];
        nmreq_vale_list body = default;
        string name = "";
        while (_lab.List(ref name, ref body) == Errno.Success)
        {
            seen.Add($"{name} {body.nr_bridge_idx} {body.nr_port_idx}");
            body.nr_port_idx++;
            name = "";
        }
        Assert.Equal("ENOENT", _lab.Refusal!.ErrorName);
        Assert.Equal(["vale0:a 0 0", "vale1:b 1 0", "vale1:c 1 2"], seen);
    }

    [Fact]
    public void TheNumberThatMeansNoPortIsNeverGiven()
    {
        using SwitchLab lab = new(new NetmapEngineOptions { SwitchPortCount = 260 });
        nmreq_vale_newif tiny = new() { nr_tx_slots = 2, nr_rx_slots = 2 };
        Assert.Equal(Errno.Success, lab.NewInterface("m", ref tiny));
        for (int i = 0; i < 258; i++)
        {
            nmreq_vale_newif body = new() { nr_tx_slots = 2, nr_rx_slots = 2, nr_mem_id = tiny.nr_mem_id };
            Assert.Equal(Errno.Success, lab.NewInterface($"p{i}", ref body));
            Assert.Equal(Errno.Success, lab.Attach($"vale0:p{i}", out uint index));
            Assert.Equal((uint)(i < 255 ? i : i + 1), index);
        }
    }

    [Theory]
    [InlineData("vale0:nosuch", Errno.ENXIO)]
    [InlineData("vale", Errno.ENXIO)]
    [InlineData("n0", Errno.EINVAL)]
    [InlineData("vale0:program", Errno.EOPNOTSUPP)]
    public void PollingOfWhatIsNoAttachedInterface(string name, object expected)
    {
        using NetmapPort port = _lab.Open("vale0:program");
        Assert.Equal(expected, _lab.Polling(name, enable: true));
        Assert.Equal(expected, _lab.Polling(name, enable: false));
    }

    [Fact]
    public void PollingOnTwiceOrOffTwiceIsEFAULT()
    {
        Assert.SkipUnless(Environment.ProcessorCount > 1, "polling needs a second CPU");
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        Assert.Equal(Errno.EFAULT, _lab.Polling("vale0:n0", enable: false));
        Assert.Equal(Errno.Success, _lab.Polling("vale0:n0", enable: true));
        Assert.Equal(Errno.EFAULT, _lab.Polling("vale0:n0", enable: true));
        Assert.Equal(Errno.EBUSY, _lab.Detach("vale0:n0"));
        Assert.Equal(Errno.Success, _lab.Polling("vale0:n0", enable: false));
        Assert.Equal(Errno.EFAULT, _lab.Polling("vale0:n0", enable: false));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
    }

    [Theory]
    [InlineData(1u, 0u, 0u)]
    [InlineData(1u, 0u, 100000u)]
    [InlineData(1u, 1023u, 1u)]
    [InlineData(2u, 1u, 1u)]
    [InlineData(2u, uint.MaxValue, 1u)]
    [InlineData(0u, 0u, 1u)]
    [InlineData(3u, 0u, 1u)]
    public void ImpossiblePollingIsEINVAL(uint mode, uint first, uint cpus)
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        Assert.Equal(Errno.EINVAL, _lab.Polling("vale0:n0", enable: true, mode, first, cpus));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
    }

    [Fact]
    public void HeaderLengthsAreStoredOnSoftwarePorts()
    {
        using NetmapPort port = _lab.Open("vale0:p");
        foreach (uint length in (uint[])[10, 12, 0])
        {
            Assert.Equal(Errno.Success, _lab.SetHeader("vale0:p", length));
            Assert.Equal(Errno.Success, _lab.GetHeader("vale0:p", out uint got));
            Assert.Equal(length, got);
        }
        foreach (uint length in (uint[])[1, 11, 13, 65536 + 10, uint.MaxValue])
            Assert.Equal(Errno.EINVAL, _lab.SetHeader("vale0:p", length));
    }

    /// <summary>What could take super-frames once goes on taking them.</summary>
    [Fact]
    public void AHeaderRaisesTheLongestFrameForGood()
    {
        using NetmapPort port = _lab.Open("vale0:p");
        Netmap.Vale.SwitchPort side = _lab.Engine.Core.Switches.Find("vale0")!.Find("p")!;
        Assert.Equal(Errno.Success, _lab.SetHeader("vale0:p", 0));
        Assert.Equal(1514, side.MaxFrame);
        Assert.Equal(Errno.Success, _lab.SetHeader("vale0:p", 12));
        Assert.Equal(2048, side.MaxFrame);
        Assert.Equal(Errno.Success, _lab.SetHeader("vale0:p", 0));
        Assert.Equal(2048, side.MaxFrame);
    }

    [Theory]
    [InlineData("n0")]
    [InlineData("vale0:nosuch")]
    [InlineData("vale9:p")]
    [InlineData("vale0:n1")]
    [InlineData("")]
    public void HeaderLengthOfAnythingElseIsENXIO(string name)
    {
        using NetmapPort port = _lab.Open("vale0:p");
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n1"));
        Assert.Equal(Errno.ENXIO, _lab.SetHeader(name, 10));
    }

    [Fact]
    public void HeaderLengthIsReadOfAnyPortThatExists()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n1"));
        foreach (string name in (string[])["n0", "vale0:n1"])
        {
            Assert.Equal(Errno.Success, _lab.GetHeader(name, out uint length));
            Assert.Equal(0u, length);
        }
        Assert.Equal(Errno.ENXIO, _lab.GetHeader("nosuch", out _));
        Assert.Equal(Errno.ENXIO, _lab.GetHeader("vale0:nosuch", out _));
        Assert.Equal(Errno.ENODEV, _lab.GetHeader("n0{1", out _));
    }

    [Fact]
    public void APortWithAHeaderIsOpenedOnlyByWhoAcceptsIt()
    {
        using NetmapPort port = _lab.Open("vale0:p");
        Assert.Equal(Errno.Success, _lab.SetHeader("vale0:p", 12));
        using RawPort second = new(_lab.Engine);
        Assert.Equal(Errno.EIO, second.Bind("vale0:p"));
        Assert.Equal(Errno.Success, second.Bind("vale0:p", flags: NetmapH.NR_ACCEPT_VNET_HDR));
    }

    /// <summary>Pipes carry slots as they are and have no header of their own; monitors see the port's.</summary>
    [Fact]
    public void PipesAndMonitorsOfAPortWithAHeaderOpenAsAnyOther()
    {
        using NetmapPort port = _lab.Open("vale0:p");
        using NetmapPort sender = _lab.Open("vale0:s");
        Assert.Equal(Errno.Success, _lab.SetHeader("vale0:p", 12));
        using RawPort master = new(_lab.Engine);
        using RawPort slave = new(_lab.Engine);
        Assert.Equal(Errno.Success, master.Bind("vale0:p{1"));
        Assert.Equal(Errno.Success, slave.Bind("vale0:p}1"));
        Assert.Equal(Errno.Success, _lab.GetHeader("vale0:p}1", out uint length));
        Assert.Equal(0u, length);
        netmap_slot* slot = RawPort.Slots(master.Tx());
        (slot->ptr, slot->len, slot->flags) = (0x1234, 60, NetmapH.NS_INDIRECT);
        (master.Tx()->cur, master.Tx()->head) = (1, 1);
        master.TxSync();
        slave.RxSync();
        netmap_slot* got = RawPort.Slots(slave.Rx());
        Assert.Equal((0x1234ul, 60, NetmapH.NS_INDIRECT, slot->buf_idx), (got->ptr, got->len, got->flags, got->buf_idx));
        using NetmapPort monitor = _lab.Open("vale0:p/r");
        SwitchLab.Send(sender, SwitchLab.Frame(1, 2));
        Assert.Equal([.. new byte[12], .. SwitchLab.Frame(1, 2)], Assert.Single(SwitchLab.Receive(monitor, 1)));
    }

    [Fact]
    public void AnAttachedInterfaceHasNoPipes()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        foreach (string name in (string[])["n0{1", "vale0:n0}1"])
        {
            using RawPort pipe = new(_lab.Engine);
            Assert.Equal(Errno.EBUSY, pipe.Bind(name));
        }
        Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
        using RawPort free = new(_lab.Engine);
        Assert.Equal(Errno.Success, free.Bind("n0{1"));
    }

    [Fact]
    public void AnAttachedInterfaceAnswersQuestionsAndIsMonitored()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        foreach (string name in (string[])["n0", "vale0:n0"])
        {
            using RawPort raw = new(_lab.Engine);
            nmreq_port_info_get info = default;
            Assert.Equal(Errno.Success, raw.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, name, ref info));
            Assert.Equal((1, 1), (info.nr_tx_rings, info.nr_mem_id));
        }
        using NetmapPort monitor = _lab.Open("netmap:n0/r");
        using NetmapPort far = _lab.Open("netmap:far0");
        SwitchLab.Send(far, SwitchLab.Frame(1, 2));
        Assert.Equal(SwitchLab.Frame(1, 2), Assert.Single(SwitchLab.Receive(monitor, 1)));
    }
}
