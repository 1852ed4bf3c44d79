namespace Netmap.Tests.Unit.Ports;

/// <summary>The grammar of port names (spec 11.2), with the examples the specification gives.</summary>
public sealed class PortNameTests
{
    [Theory]
    [InlineData("netmap:eth0", "eth0", 1u, 0, 0ul, 0)]
    [InlineData("netmap:eth0-3", "eth0", 4u, 3, 0ul, 0)]
    [InlineData("netmap:eth0^", "eth0", 2u, 0, 0ul, 0)]
    [InlineData("netmap:eth0^1", "eth0", 8u, 1, 0ul, 0)]
    [InlineData("netmap:eth0*/x@2", "eth0", 3u, 0, 0x800ul, 2)]
    [InlineData("netmap:eth0@2/x", "eth0", 1u, 0, 0x800ul, 2)]
    [InlineData("netmap:eth0/zr", "eth0", 1u, 0, 0x600ul, 0)]
    [InlineData("netmap:eth0/RT", "eth0", 1u, 0, 0x6000ul, 0)]
    [InlineData("vale:1", "vale:1", 1u, 0, 0ul, 0)]
    [InlineData("vale0:p}x", "vale0:p}x", 1u, 0, 0ul, 0)]
    [InlineData("netmap:a{b1/xT@5", "a{b1", 1u, 0, 0x4800ul, 5)]
    [InlineData("vale0:", "vale0:", 1u, 0, 0ul, 0)]
    public void Accepted(string text, string name, uint mode, int ring, ulong flags, int memory)
    {
        PortName parsed = PortName.Parse(text);
        Assert.Equal((name, mode, ring, flags, memory), (parsed.Name, parsed.Mode, parsed.Ring, parsed.Flags, parsed.MemoryId));
    }

    [Theory]
    [InlineData("eth0", "character 1")]
    [InlineData("netmap0:e", "character 1")]
    [InlineData("netmap:", "at the end")]
    [InlineData("netmap:e{", "at the end")]
    [InlineData("netmap:a{b{c", "character 11 '{'")]
    [InlineData("netmap:e-", "at the end")]
    [InlineData("netmap:e-x", "character 10 'x'")]
    [InlineData("netmap:e-4095", "character 10 '4'")]
    [InlineData("netmap:e/", "at the end")]
    [InlineData("netmap:e/q", "character 10 'q'")]
    [InlineData("netmap:e*-1", "character 10 '-'")]
    [InlineData("netmap:e@", "at the end")]
    [InlineData("netmap:e@0", "character 10 '0'")]
    [InlineData("netmap:e@2@3", "character 11 '@'")]
    [InlineData("vale-1:x", "character 5 '-'")]
    [InlineData("netmap:br-lan", "character 11 'l'")]
    [InlineData("netmap:e@conf=2", "character 14 '='")]
    [InlineData("netmap:e@conf:foo=1", "character 15 'f'")]
    [InlineData("netmap:e@conf:rings", "character 15 'r'")]
    [InlineData("netmap:e@conf:rings=x", "character 21 'x'")]
    [InlineData("netmap:e@conf:rings=65536", "character 21 '6'")]
    [InlineData("netmap:e@conf:rings=-1", "character 21 '-'")]
    [InlineData("netmap:e@conf:rings=1,rings=1", "character 23 'r'")]
    [InlineData("netmap:e@conf:rings=1,tx-slots=1,tx_slots=1", "character 34 't'")]
    [InlineData("netmap:e@conf:rings=1,", "at the end")]
    [InlineData("netmap:e@conf:", "at the end")]
    [InlineData("netmap:e@conf:rings=1@conf:slots=1", "character 23 'c'")]
    [InlineData("netmap:e@share", "at the end")]
    [InlineData("netmap:e@share=", "at the end")]
    [InlineData("netmap:e@share:port=@conf", "character 21 '@'")]
    [InlineData("netmap:e@nosuch=1", "character 10 'n'")]
    [InlineData("netmap:e@conf:rings=1/x", "character 21 '1'")]
    [InlineData("netmap:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "character 64")]
    public void RefusedWithThePlaceOfTheError(string text, string place)
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => PortName.Parse(text));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains(place, refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Theory]
    [InlineData("vale0:p@conf:rings=2,tx-slots=512", 2, 2, 0, 0, 512, 0)]
    [InlineData("vale0:p@conf:tx_rings=3,rings=2", 3, 2, 0, 0, 0, 0)]
    [InlineData("netmap:eth0@conf:host-rings=2,host_rx_rings=4", 0, 0, 2, 4, 0, 0)]
    [InlineData("netmap:eth0-1/x@3@conf:slots=64,rx-slots=32", 0, 0, 0, 0, 64, 32)]
    [InlineData("netmap:eth0@conf:rings=,slots=", 0, 0, 0, 0, 0, 0)]
    [InlineData("netmap:eth0@conf", 0, 0, 0, 0, 0, 0)]
    public void ConfSaysRingsAndSlots(string text, int txRings, int rxRings, int hostTx, int hostRx, int txSlots, int rxSlots)
    {
        PortName parsed = PortName.Parse(text);
        Assert.Equal((txRings, rxRings, hostTx, hostRx, txSlots, rxSlots),
            (parsed.TxRings, parsed.RxRings, parsed.HostTxRings, parsed.HostRxRings, parsed.TxSlots, parsed.RxSlots));
        Assert.DoesNotContain('@', parsed.Name);
    }

    [Theory]
    [InlineData("netmap:eth0@share=vale0:p", "vale0:p")]
    [InlineData("netmap:eth0@share:port=netmap:eth1@conf:rings=2", "netmap:eth1")]
    [InlineData("netmap:eth0@conf:rings=2@share=netmap:a{b", "netmap:a{b")]
    [InlineData("netmap:eth0", null)]
    public void ShareNamesAPort(string text, string? port) => Assert.Equal(port, PortName.Parse(text).Share);

    [Theory]
    [InlineData("netmap:eth0@offset=8", 8, 0)]
    [InlineData("netmap:eth0@offset:initial=64,bits=16", 64, 16)]
    public void OffsetsOnlyForProgramsThatKnowThem(string text, int initial, int bits)
    {
        Assert.Equal(new OffsetOptions { Initial = initial, Max = initial, Bits = bits }, PortName.Parse(text, acceptOffsets: true).Offsets);
        NetmapException refused = Assert.Throws<NetmapException>(() => PortName.Parse(text));
        Assert.Equal("EOPNOTSUPP", refused.ErrorName);
    }

    [Fact]
    public void AnOffsetNeedsItsInitialValue() =>
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => PortName.Parse("netmap:e@offset:bits=8", acceptOffsets: true)).ErrorName);

    [Fact]
    public void ExtmemNamesAFileAndAGeometry()
    {
        PortName name = PortName.Parse("netmap:eth0@3@extmem=/mnt/h/f");
        Assert.Equal((3, new ExternalMemory { Path = "/mnt/h/f" }), (name.MemoryId, name.ExternalMemory));
        name = PortName.Parse("vale0:p@extmem:file=/dev/shm/x,if_num=1,if-size=2,ring_num=3,ring-size=4,buf_num=5,buf_size=6");
        Assert.Equal(new ExternalMemory
        {
            Path = "/dev/shm/x",
            InterfaceCount = 1,
            InterfaceSize = 2,
            RingCount = 3,
            RingSize = 4,
            BufferCount = 5,
            BufferSize = 6,
        }, name.ExternalMemory);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => PortName.Parse("netmap:e@extmem:buf_num=5")).ErrorName);
    }

    [Fact]
    public void APlusIsPartOfTheName() => Assert.Equal("e+conf", PortName.Parse("netmap:e+conf").Name);

    [Fact]
    public void NullIsAnArgumentError() => Assert.Throws<ArgumentNullException>(() => PortName.Parse(null!));
}
