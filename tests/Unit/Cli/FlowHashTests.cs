using System.Buffers.Binary;
using Netmap.Cli.LoadBalancer;

namespace Netmap.Tests.Unit.Cli;

/// <summary>Both directions of a flow, and all its packets, have one hash; different flows spread.</summary>
public sealed class FlowHashTests
{
    [Theory]
    [InlineData(4, 6, 0)]
    [InlineData(4, 17, 1)]
    [InlineData(4, 132, 2)]
    [InlineData(4, 1, 0)]
    [InlineData(6, 6, 0)]
    [InlineData(6, 17, 2)]
    [InlineData(6, 58, 1)]
    public void BothDirectionsAreOneFlow(int version, byte protocol, int tags)
    {
        Random random = new(1);
        for (int i = 0; i < 200; i++)
        {
            (byte[] there, byte[] back) = Both(random, version, protocol, tags);
            uint hash = FlowHash.Of(there, out bool isIp);
            Assert.True(isIp);
            Assert.Equal(hash, FlowHash.Of(back, out _));
            // Payload, length and hardware addresses do not count.
            random.NextBytes(there.AsSpan(0, 12));
            random.NextBytes(there.AsSpan(there.Length - 10));
            Assert.Equal(hash, FlowHash.Of(there, out _));
        }
    }

    [Fact]
    public void FragmentsStayTogether()
    {
        (byte[] first, _) = Both(new Random(2), 4, 17, 0);
        byte[] second = [.. first];
        first[14 + 6] = 0x20;
        second[14 + 7] = 0x10;
        second.AsSpan(34, 8).Fill(0x55);
        Assert.Equal(FlowHash.Of(first, out _), FlowHash.Of(second, out _));
    }

    [Fact]
    public void OtherFramesGoByTheirHardwareAddresses()
    {
        byte[] there = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, .. new byte[46]];
        byte[] back = [.. there[6..12], .. there[..6], .. there[12..]];
        uint hash = FlowHash.Of(there, out bool isIp);
        Assert.False(isIp);
        Assert.Equal(hash, FlowHash.Of(back, out _));
        there[5] = 7;
        Assert.NotEqual(hash, FlowHash.Of(there, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(20)]
    [InlineData(33)]
    [InlineData(36)]
    public void FramesCutShortHaveOneToo(int length)
    {
        (byte[] frame, _) = Both(new Random(3), 4, 6, 0);
        uint hash = FlowHash.Of(frame.AsSpan(0, length), out bool isIp);
        Assert.Equal(length >= 34, isIp);
        Assert.Equal(hash, FlowHash.Of(frame.AsSpan(0, length), out _));
    }

    [Fact]
    public void FlowsSpread()
    {
        int[] pipes = new int[4];
        byte[] frame = Both(new Random(4), 4, 6, 0).There;
        for (int i = 0; i < 4000; i++)
        {
            // As a client's connections follow each other.
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34), (ushort)(32768 + i));
            pipes[FlowHash.Of(frame, out _) % 4]++;
        }
        Assert.All(pipes, count => Assert.InRange(count, 850, 1150));
    }

    private static (byte[] There, byte[] Back) Both(Random random, int version, byte protocol, int tags)
    {
        int l3 = 14 + (4 * tags);
        int address = version == 4 ? 4 : 16;
        int source = l3 + (version == 4 ? 12 : 8);
        int l4 = version == 4 ? l3 + 20 : l3 + 40;
        byte[] there = new byte[l4 + 30];
        random.NextBytes(there);
        for (int i = 0; i < tags; i++)
            BinaryPrimitives.WriteUInt16BigEndian(there.AsSpan(12 + (4 * i)), i == 0 ? (ushort)0x88a8 : (ushort)0x8100);
        BinaryPrimitives.WriteUInt16BigEndian(there.AsSpan(l3 - 2), version == 4 ? (ushort)0x0800 : (ushort)0x86dd);
        there[l3] = version == 4 ? (byte)0x45 : (byte)0x60;
        there[l3 + (version == 4 ? 9 : 6)] = protocol;
        if (version == 4)
            there.AsSpan(l3 + 6, 2).Clear();
        byte[] back = [.. there];
        there.AsSpan(source, address).CopyTo(back.AsSpan(source + address));
        there.AsSpan(source + address, address).CopyTo(back.AsSpan(source));
        there.AsSpan(l4, 2).CopyTo(back.AsSpan(l4 + 2));
        there.AsSpan(l4 + 2, 2).CopyTo(back.AsSpan(l4));
        return (there, back);
    }
}
