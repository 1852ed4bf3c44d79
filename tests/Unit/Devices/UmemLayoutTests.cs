using Netmap.Devices.Xdp;
using Netmap.Memory;

namespace Netmap.Tests.Unit.Devices;

/// <summary>Where buffers and chunks of XDP sockets lie in one memory: arithmetic alone.</summary>
public sealed class UmemLayoutTests
{
    private const int Page = 4096;
    private const int Buffers = 1000;

    /// <summary>Some page's address.</summary>
    private static readonly nint s_region = unchecked((nint)0x7f00_0000_0000);

    [Theory]
    [InlineData(2048)]
    [InlineData(4096)]
    public void WithoutACopyAFrameLandsAtItsBuffersStartAndNoChunkCrossesAPage(int size)
    {
        UmemLayout layout = Leading(size);
        UmemArea area = layout.Direct!.Value;
        Assert.False(area.Unaligned);
        Assert.Equal((s_region, (nuint)(Buffers * size), size), (area.Address, area.Bytes, area.ChunkSize));
        Assert.Equal(size - 256, area.FrameRoom);
        for (uint k = 0; k < Buffers; k++)
        {
            ulong chunk = layout.Chunk(k);
            Assert.Equal(0u, chunk % (uint)size);
            Assert.Equal(chunk / Page, (chunk + (uint)size - 1) / Page);
            Assert.True(chunk + (uint)size <= area.Bytes);
            Assert.Equal(chunk + UmemArea.Headroom, layout.Start(k));
            Assert.Equal(layout.Buffers + ((nint)k * size), area.Address + (nint)layout.Start(k));
        }
    }

    [Theory]
    [InlineData(1792, true)]
    [InlineData(2048, true)]
    [InlineData(3840, true)]
    [InlineData(4096, true)]
    [InlineData(2048, false)]
    public void WithACopyAWholeBufferIsRoomForAFrame(int size, bool leads)
    {
        UmemLayout layout = leads ? Leading(size) : new(s_region, Buffers * size, size);
        UmemArea area = layout.Copying;
        Assert.True(layout.IsUsable && area.Unaligned);
        Assert.Equal(s_region, area.Address);
        Assert.Equal(Math.Min(size, 4096 - 256), area.FrameRoom);
        // The first buffer handed out is number 2: there is room before it.
        for (uint k = 2; k < Buffers; k++)
        {
            Assert.Equal(layout.Start(k), layout.Chunk(k) + UmemArea.Headroom);
            Assert.True(layout.Chunk(k) + (uint)area.ChunkSize <= area.Bytes);
            Assert.Equal(layout.Buffers + ((nint)k * size), area.Address + (nint)layout.Start(k));
        }
    }

    /// <summary>Frames that grew at their front, by a VLAN tag, and parts behind the start belong to the same buffer.</summary>
    [Theory]
    [InlineData(2048)]
    [InlineData(4096)]
    public void AnAddressSaysItsBuffer(int size)
    {
        UmemLayout layout = Leading(size);
        for (uint k = 0; k < Buffers; k++)
        {
            foreach (int offset in (int[])[-256, -4, 0, 100, size - 257])
                Assert.Equal(k, layout.BufferAt((ulong)((long)layout.Start(k) + offset)));
        }
    }

    [Theory]
    [InlineData(1536)]
    [InlineData(8192)]
    public void OtherSizesAreNotUsable(int size) => Assert.False(Leading(size).IsUsable);

    /// <summary>Memory that does not lie so is copied; elsewhere in a page it is none of ours.</summary>
    [Fact]
    public void OtherPlacesAreNotForZeroCopy()
    {
        Assert.Null(new UmemLayout(s_region, Buffers * 2048, 2048).Direct);
        Assert.Null(Leading(1792).Direct);
        Assert.Null(Leading(3840).Direct);
        Assert.False(new UmemLayout(s_region + 64, Buffers * 2048, 2048).IsUsable);
    }

    /// <summary>The engine's memory lies as zero-copy wants it.</summary>
    [Theory]
    [InlineData(2048, 16384)]
    [InlineData(4096, 4)]
    [InlineData(1792, 100)]
    public void TheGlobalMemoryLeadsByTheHeadroom(int size, int count)
    {
        MemoryGeometry geometry = MemoryGeometry.Global(new NetmapEngineOptions { BufferSize = size, BufferCount = count });
        Assert.Equal(UmemArea.Headroom, geometry.BufferOffset % Page);
        Assert.True(geometry.BufferOffset + geometry.Buffers.Bytes <= geometry.Bytes);
        Assert.Equal(0, geometry.Bytes % Page);
    }

    private static UmemLayout Leading(int size) => new(s_region + UmemArea.Headroom, Buffers * size, size);
}
