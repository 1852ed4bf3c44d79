using Netmap.Interop;

namespace Netmap.Tests.Unit.Vale;

/// <summary>VALE_NEWIF, VALE_DELIF, and what becomes of persistent ports (spec 7.2, 7.3, 13, 15.4).</summary>
public sealed class PersistentPortTests : IDisposable
{
    private readonly SwitchLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("valeport")]
    [InlineData("sixteen-chars-xx")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("a:b")]
    [InlineData("a{1")]
    [InlineData("..")]
    public void ImpossibleNamesAreEINVAL(string name) => Assert.Equal(Errno.EINVAL, _lab.NewInterface(name));

    [Fact]
    public void FifteenCharactersAreFine() => Assert.Equal(Errno.Success, _lab.NewInterface("fifteen-chars-x"));

    /// <summary>Test 011 of spec 13, too.</summary>
    [Fact]
    public void AnExistingInterfaceIsEEXIST()
    {
        Assert.Equal(Errno.EEXIST, _lab.NewInterface("n0"));
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        Assert.Equal(Errno.EEXIST, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        Assert.Equal(Errno.EEXIST, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale1:v0"));
        Assert.Equal(Errno.EEXIST, _lab.NewInterface("v0"));
    }

    [Fact]
    public void UnknownMemoryIsEINVAL() => Assert.Equal(Errno.EINVAL, _lab.NewInterface("v0", memory: 77));

    [Fact]
    public void TheShapeComesBack()
    {
        nmreq_vale_newif asked = new() { nr_tx_rings = 2, nr_rx_rings = 99, nr_tx_slots = 100, nr_rx_slots = 99999 };
        Assert.Equal(Errno.Success, _lab.NewInterface("v0", ref asked));
        Assert.Equal((2, 16, 100u, 4096u), (asked.nr_tx_rings, asked.nr_rx_rings, asked.nr_tx_slots, asked.nr_rx_slots));
        Assert.NotEqual(0, asked.nr_mem_id);
        nmreq_vale_newif plain = default;
        Assert.Equal(Errno.Success, _lab.NewInterface("v1", ref plain));
        Assert.Equal((1, 1, 1024u, 1024u), (plain.nr_tx_rings, plain.nr_rx_rings, plain.nr_tx_slots, plain.nr_rx_slots));
        // The memory of another port may be named.
        nmreq_vale_newif shared = new() { nr_mem_id = plain.nr_mem_id };
        Assert.Equal(Errno.Success, _lab.NewInterface("v2", ref shared));
        Assert.Equal(plain.nr_mem_id, shared.nr_mem_id);
    }

    [Fact]
    public void DeletingWhatIsNotThereOrNotAPersistentPort()
    {
        Assert.Equal(Errno.ENXIO, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.ENXIO, _lab.DeleteInterface(""));
        Assert.Equal(Errno.EINVAL, _lab.DeleteInterface("n0"));
        using (NetmapPort pipe = _lab.Open("netmap:auto{1"))
            Assert.Equal(Errno.EINVAL, _lab.DeleteInterface("auto"));
        Assert.Equal(Errno.ENXIO, _lab.DeleteInterface("auto"));
    }

    [Fact]
    public void AnOpenOrAttachedPortCannotBeDeleted()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        using (NetmapPort port = _lab.Open("netmap:v0"))
            Assert.Equal(Errno.EBUSY, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        Assert.Equal(Errno.EBUSY, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:v0"));
        Assert.Equal(Errno.Success, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.ENXIO, _lab.DeleteInterface("v0"));
    }

    /// <summary>Test 009 of spec 13; on the reference it fails after an open, by the defect of spec 15.4.</summary>
    [Fact]
    public void APortOnTwoSwitchesIsDetachedFromTheSecondFirst()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        _lab.Open("vale0:v0").Dispose();
        _lab.Open("netmap:v0").Dispose();
        Assert.Equal(Errno.EBUSY, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale1:v0"));
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => _lab.Open("vale0:v0")).ErrorName);
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => _lab.Open("vale1:v0")).ErrorName);
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => _lab.Open("netmap:v0")).ErrorName);
        Assert.Equal(Errno.EBUSY, _lab.Attach("vale2:v0"));
        Assert.Equal(Errno.EBUSY, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.EBUSY, _lab.Detach("vale0:v0"));
        Assert.Equal(Errno.Success, _lab.Detach("vale1:v0"));
        Assert.Equal(Errno.EBUSY, _lab.DeleteInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:v0"));
        Assert.Equal(Errno.Success, _lab.DeleteInterface("v0"));
    }

    /// <summary>Test 010 of spec 13.</summary>
    [Fact]
    public void TwiceOnOneSwitchIsEBUSYAndOnAnotherFine()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        Assert.Equal(Errno.EBUSY, _lab.Attach("vale0:v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale1:v0"));
    }

    [Fact]
    public void OpenPortsAreNotAttachedAndStayAsTheyAre()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        using (NetmapPort port = _lab.Open("netmap:v0"))
            Assert.Equal(Errno.EBUSY, _lab.Attach("vale0:v0"));
        Assert.Empty(NetmapControl.List(_lab.Engine));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        using (NetmapPort port = _lab.Open("vale0:v0"))
            Assert.Equal(Errno.EBUSY, _lab.Attach("vale1:v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale1:v0"));
    }

    [Fact]
    public void ModeAndRingAreNotLookedAt()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0", mode: 99, ring: 7));
        Assert.Equal(Errno.Success, _lab.Attach("vale1:v0", mode: 99, ring: 7));
    }

    [Fact]
    public void ADetachedOpenPortStaysUsableAndSendsNowhere()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        using NetmapPort port = _lab.Open("vale0:v0");
        using NetmapPort other = _lab.Open("vale0:p");
        SwitchLab.Send(port, SwitchLab.Frame(1, 2));
        Assert.Single(SwitchLab.Receive(other, 1));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:v0"));
        SwitchLab.Send(port, SwitchLab.Frame(1, 2), SwitchLab.Frame(1, 2));
        Assert.Equal(port.TxRings[0].SlotCount - 1, port.TxRings[0].Space);
        Assert.Equal(2, port.GetStatistics().Drops[DropReason.NobodyReceives]);
        Assert.Equal(PollEvents.None, other.Poll(PollEvents.Receive, TimeSpan.Zero));
        // Nor does the other learn or reach it.
        SwitchLab.Send(other, SwitchLab.Frame(2, 1));
        Assert.Equal(PollEvents.None, port.Poll(PollEvents.Receive, TimeSpan.Zero));
    }

    [Fact]
    public void APortOnTwoSwitchesJoinsThem()
    {
        Assert.Equal(Errno.Success, _lab.NewInterface("v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:v0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale1:v0"));
        using NetmapPort a = _lab.Open("vale0:a");
        using NetmapPort b = _lab.Open("vale1:b");
        for (int i = 0; i < 300; i++)
        {
            byte[] there = SwitchLab.Frame(1, 2, i, 60 + i);
            SwitchLab.Send(a, there);
            Assert.Equal(there, Assert.Single(SwitchLab.Receive(b, 1)));
            byte[] back = SwitchLab.Frame(2, 1, i, 60 + i);
            SwitchLab.Send(b, back);
            Assert.Equal(back, Assert.Single(SwitchLab.Receive(a, 1)));
        }
        Assert.Equal(Errno.Success, _lab.Detach("vale1:v0"));
        SwitchLab.Send(a, SwitchLab.Frame(1, 2));
        Assert.Equal(PollEvents.None, b.Poll(PollEvents.Receive, TimeSpan.Zero));
    }
}
