using Netmap.Access;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Tests.Unit.Memory;

/// <summary>Pools, regions and extra buffers (spec 1.4).</summary>
public sealed unsafe class MemoryTests
{
    /// <summary>But for the kernel's headroom before the first buffer, which takes one more page.</summary>
    [Fact]
    public void TheGlobalGeometryIsTheReferences()
    {
        MemoryGeometry geometry = MemoryGeometry.Global(new());
        Assert.Equal((100, 102400L), (geometry.Interfaces.Count, geometry.Interfaces.Bytes));
        Assert.Equal((200, 7372800L), (geometry.Rings.Count, geometry.Rings.Bytes));
        Assert.Equal((163840, 335544320L), (geometry.Buffers.Count, geometry.Buffers.Bytes));
        Assert.Equal(102400L + 7372800 + 256, geometry.BufferOffset);
        Assert.Equal(343019520L + 4096, geometry.Bytes);
    }

    [Fact]
    public void APrivateGeometryHoldsWhatAnEphemeralValePortNeeds()
    {
        MemoryGeometry geometry = MemoryGeometry.Private(1, 1, 1024, 1024, pipes: 2, extraBuffers: 0);
        Assert.Equal((12, 20, 20482), (geometry.Interfaces.Count, geometry.Rings.Count, geometry.Buffers.Count));
        Assert.Equal(42369024L, geometry.Bytes);
        Assert.Equal(4, MemoryGeometry.Private(1, 1, 16, 16, 0, 0).Interfaces.Count);
    }

    [Theory]
    [InlineData(63, 100, "BufferSize")]
    [InlineData(65537, 100, "BufferSize")]
    [InlineData(2048, 3, "BufferCount")]
    [InlineData(2048, 1000001, "BufferCount")]
    public void SizesOutOfRangeNameTheirOption(int size, int count, string option)
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => PoolGeometry.Round(PoolLimits.Buffers, size, count));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains(option, refused.Message);
    }

    [Theory]
    [InlineData(100, 10, 128, 32)]
    [InlineData(4096, 10, 4096, 10)]
    [InlineData(192, 1, 192, 64)]
    public void SizesAreRoundedToCacheLinesAndCountsToClusters(int size, int count, int objectSize, int objects) =>
        Assert.Equal(new PoolGeometry(objectSize, objects), PoolGeometry.Round(PoolLimits.Buffers, size, Math.Max(count, 4)));

    [Fact]
    public void ThePoolGivesTheLowestFreeObjectAndRefusesBadFrees()
    {
        ObjectPool pool = new(new PoolGeometry(64, 130), 0, 2);
        for (int i = 2; i < 130; i++)
        {
            Assert.True(pool.TryAllocate(out int index));
            Assert.Equal(i, index);
        }
        Assert.False(pool.TryAllocate(out _));
        Assert.True(pool.TryFree(100));
        Assert.True(pool.TryFree(5));
        Assert.False(pool.TryFree(5));
        Assert.False(pool.TryFree(0));
        Assert.False(pool.TryFree(1));
        Assert.False(pool.TryFree(130));
        Assert.True(pool.TryAllocate(out int lowest));
        Assert.Equal(5, lowest);
        pool.Reset();
        Assert.Equal(128, pool.Available);
    }

    [Fact]
    public void PagesAppearOnlyWhenTouched()
    {
        using NetmapMemory memory = new(1, false, MemoryGeometry.Global(new()));
        memory.Activate();
        long before = Committed(memory);
        Assert.True(before < 64 << 10, $"{before} bytes committed by opening");
        memory.Buffers[100L * 2048] = 1;
        Assert.InRange(Committed(memory) - before, 1, 2 << 20);
        memory.Deactivate();
    }

    [Fact]
    public void AListOfExtraBuffersEndsAtLoopsAndBadIndices()
    {
        using NetmapMemory memory = new(1, false, MemoryGeometry.Global(new() { BufferCount = 64 }));
        memory.Activate();
        Assert.Equal(10, memory.AllocateExtra(10, out uint head));
        Assert.Equal(11u, head);
        // Bend the end of the list back to its start.
        *(uint*)(memory.Buffers + (2L * 2048)) = head;
        Assert.Equal(10, memory.FreeExtra(head));
        Assert.Equal(62, memory.Available.Buffers);
        memory.AllocateExtra(3, out head);
        *(uint*)(memory.Buffers + (head * 2048L)) = 0x7fffffff;
        Assert.Equal(1, memory.FreeExtra(head));
        memory.Deactivate();
        Assert.Equal(62, memory.Available.Buffers);
    }

    [Fact]
    public void RecycledObjectsAreZero()
    {
        using NetmapMemory memory = new(1, false, MemoryGeometry.Global(new()));
        memory.Activate();
        long ring = memory.AllocateRing(1024, "x");
        new Span<byte>(memory.Region.Address + ring, 4096).Fill(0xff);
        memory.FreeRing(ring);
        Assert.Equal(ring, memory.AllocateRing(1024, "x"));
        Assert.False(new Span<byte>(memory.Region.Address + ring, 4096).ContainsAnyExcept((byte)0));
        Assert.Equal("ENOMEM", Assert.Throws<NetmapException>(() => memory.AllocateRing(2289, "x")).ErrorName);
        memory.FreeRing(memory.AllocateRing(2288, "x"));
    }

    [Fact]
    public void IdsGoUpAndComeBack()
    {
        using MemoryRegistry registry = new(new(), Owner.Alone);
        MemoryGeometry small = MemoryGeometry.Private(1, 1, 16, 16, 0, 0);
        NetmapMemory two = registry.CreatePrivate(Owner.Alone, small, null);
        NetmapMemory three = registry.CreatePrivate(Owner.Alone, small, null);
        Assert.Equal((1, 2, 3), (registry.Global.Id, two.Id, three.Id));
        registry.Release(two);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => registry.Take(Owner.Alone, 2, "x")).ErrorName);
        Assert.Same(three, registry.Take(Owner.Alone, 3, null));
        Assert.Same(registry.Global, registry.Take(Owner.Alone, 0, null));
    }

    [Fact]
    public void IdsRunOut()
    {
        using MemoryRegistry registry = new(new(), Owner.Alone);
        MemoryGeometry small = MemoryGeometry.Private(1, 1, 16, 16, 0, 0);
        for (int id = 2; id <= ushort.MaxValue; id++)
            Assert.Equal(id, registry.CreatePrivate(Owner.Alone, small, null).Id);
        NetmapException refused = Assert.Throws<NetmapException>(() => registry.CreatePrivate(Owner.Alone, small, "x"));
        Assert.Equal("ENOMEM", refused.ErrorName);
        registry.Release(registry.Find(77)!);
        Assert.Equal(77, registry.CreatePrivate(Owner.Alone, small, null).Id);
    }

    /// <summary>Bytes of the region that have pages.</summary>
    private static long Committed(NetmapMemory memory)
    {
        string[] smaps = File.ReadAllLines("/proc/self/smaps");
        string start = ((long)memory.Region.Address).ToString("x") + "-";
        return long.Parse(smaps.SkipWhile(l => !l.StartsWith(start, StringComparison.Ordinal)).First(l => l.StartsWith("Rss:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
    }

    /// <summary>Otherwise they stay, charged to the engine's process, while the user's account says that they are gone.</summary>
    [Fact]
    public void ProgramsKeepNoPagesOfMemoryThatIsGone()
    {
        ResourceAccount account = new("anna");
        NetmapMemory memory = new(7, isPrivate: true, MemoryGeometry.Private(1, 1, 64, 64, 0, 0)) { Owner = new Owner(1000, "anna", account) };
        memory.Activate();
        memory.GiveTo(null);
        using SafeDescriptor file = memory.Region.Duplicate();
        nuint length = (nuint)memory.Bytes;
        byte* program = (byte*)SysMman.mmap(null, length, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, file.Fd, 0).Value;
        memory.Region.Address[5000] = 7;
        Assert.Equal(7, program[5000]);
        memory.Deactivate();
        memory.Dispose();
        Assert.True(SpinWait.SpinUntil(() => account.Pages.Count == 0, TimeSpan.FromSeconds(20)));
        Assert.Equal(0, Volatile.Read(ref program[5000]));
        SysMman.munmap(program, length);
    }
}
