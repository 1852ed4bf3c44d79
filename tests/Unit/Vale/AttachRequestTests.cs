using Netmap.Interop;

namespace Netmap.Tests.Unit.Vale;

/// <summary>VALE_ATTACH and VALE_DETACH: every refusal of spec 7.3 by its errno.</summary>
public sealed class AttachRequestTests : IDisposable
{
    private readonly SwitchLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void PortsGetTheLowestFreeNumbers()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0", out uint first));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n1", out uint second));
        Assert.Equal((0u, 1u), (first, second));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n2", out uint third));
        Assert.Equal(0u, third);
    }

    [Theory]
    [InlineData("eth0")]
    [InlineData("n0")]
    [InlineData("")]
    [InlineData("vale0:nosuch")]
    [InlineData("vale0:")]
    public void NotAPortOfASwitchOrNoInterfaceIsEINVAL(string name)
    {
        Assert.Equal(Errno.EINVAL, _lab.Attach(name));
        Assert.Empty(NetmapControl.List(_lab.Engine));
    }

    [Theory]
    [InlineData("vale")]
    [InlineData("vale0")]
    [InlineData("vale-1:n0")]
    [InlineData("valeabcdefghijklm:n0")]
    [InlineData("vale0:sixteen-is-a-lot")]
    public void AMalformedSwitchIsENOMEM(string name) => Assert.Equal(Errno.ENOMEM, _lab.Attach(name));

    [Fact]
    public void UnknownMemoryIsEINVALAndComesFirst() => Assert.Equal(Errno.EINVAL, _lab.Attach("vale", memory: 77));

    [Theory]
    [InlineData(NetmapReq.NR_REG_DEFAULT, 0)]
    [InlineData(NetmapReq.NR_REG_SW, 0)]
    [InlineData(NetmapReq.NR_REG_ONE_NIC, 0)]
    [InlineData(99u, 0)]
    [InlineData(NetmapReq.NR_REG_ALL_NIC, 1)]
    public void OtherModesAndRingsAreEINVAL(uint mode, int ring)
    {
        Assert.Equal(Errno.EINVAL, _lab.Attach("vale0:n0", mode, (ushort)ring));
        // Nothing is left behind: the interface is free.
        _lab.Open("netmap:n0").Dispose();
    }

    [Fact]
    public void TwiceOnOneSwitchOrOnTwoIsEBUSY()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        Assert.Equal(Errno.EBUSY, _lab.Attach("vale0:n0"));
        Assert.Equal(Errno.EBUSY, _lab.Attach("vale1:n0"));
        Assert.Single(NetmapControl.List(_lab.Engine));
    }

    [Fact]
    public void AnOpenInterfaceIsEBUSYAndAnAttachedOneCannotBeOpened()
    {
        using (NetmapPort port = _lab.Open("netmap:n0"))
            Assert.Equal(Errno.EBUSY, _lab.Attach("vale0:n0"));
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        foreach (string name in (string[])["netmap:n0", "vale0:n0", "netmap:n0{1"])
            Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => _lab.Open(name)).ErrorName);
        Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
        _lab.Open("netmap:n0").Dispose();
    }

    [Fact]
    public void ANameTakenByAProgramsPortIsEBUSY()
    {
        using NetmapPort port = _lab.Open("vale0:p");
        Assert.Equal(Errno.EBUSY, _lab.Attach("vale0:p"));
    }

    [Fact]
    public void AnInterfaceElsewhereCannotBeOpenedAsAPortIsEINVAL()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale1:n0"));
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => _lab.Open("vale0:n0")).ErrorName);
    }

    [Fact]
    public void WhatOpeningAnInterfaceRefusesAttachingDoes()
    {
        using NetmapEngine engine = new();
        engine.AddMemoryPair("big", "far", new MemoryPairOptions { Mtu = 9000 });
        NetmapException refused = Assert.Throws<NetmapException>(() => NetmapControl.Attach("vale0:big", engine: engine));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains("MTU", refused.Message);
        Assert.Empty(NetmapControl.List(engine));
    }

    [Fact]
    public void SwitchesAndPortsAreBounded()
    {
        using SwitchLab small = new(new NetmapEngineOptions { SwitchCount = 1, SwitchPortCount = 2 });
        Assert.Equal(Errno.Success, small.Attach("vale0:n0"));
        Assert.Equal(Errno.ENOMEM, small.Attach("vale1:n1"));
        Assert.Equal(Errno.Success, small.Attach("vale0:n1"));
        Assert.Equal(Errno.ENOMEM, small.Attach("vale0:n2"));
        small.Open("netmap:n2").Dispose();
    }

    [Theory]
    [InlineData("vale0:nosuch", Errno.ENXIO)]
    [InlineData("vale7:n0", Errno.ENXIO)]
    [InlineData("vale", Errno.ENXIO)]
    [InlineData("n0", Errno.EINVAL)]
    [InlineData("", Errno.EINVAL)]
    [InlineData("vale0:program", Errno.EBUSY)]
    public void DetachRefusals(string name, object expected)
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        using NetmapPort port = _lab.Open("vale0:program");
        Assert.Equal(expected, _lab.Detach(name));
        Assert.Equal(2, NetmapControl.List(_lab.Engine).Count);
    }

    [Fact]
    public void ASwitchGoesWithItsLastPort()
    {
        Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
        Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
        Assert.Equal(Errno.ENXIO, _lab.Detach("vale0:n0"));
        Assert.Empty(NetmapControl.List(_lab.Engine));
    }

    [Fact]
    public void AttachingAndDetachingLeavesNothingBehind()
    {
        using NetmapPort probe = _lab.Open("netmap:n1");
        long free = FreeBuffers();
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(Errno.Success, _lab.Attach("vale0:n0"));
            Assert.Equal(Errno.Success, _lab.Detach("vale0:n0"));
        }
        Assert.Equal(free, FreeBuffers());
    }

    private long FreeBuffers()
    {
        lock (_lab.Engine.Core.ControlLock)
            return _lab.Engine.Core.Memories.Global.Available.Buffers;
    }
}
