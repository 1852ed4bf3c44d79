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
    [InlineData("netmap:e@conf=2", "character 10 'c'")]
    [InlineData("netmap:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "character 64")]
    public void RefusedWithThePlaceOfTheError(string text, string place)
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => PortName.Parse(text));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains(place, refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void NullIsAnArgumentError() => Assert.Throws<ArgumentNullException>(() => PortName.Parse(null!));
}
