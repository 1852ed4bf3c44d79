using System.Runtime.CompilerServices;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Tests.Unit.Memory;

/// <summary>Spans hold no reference to what they point to: their addresses stay good all the same.</summary>
public sealed unsafe class AddressReserveTests
{
    private const int MiB = 1 << 20;

    /// <summary>By ways in which the last reference goes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AddressesAreReadableWhenNothingRefersToThePortAnyMore(bool engineFirst)
    {
        nint[] addresses = [.. Enumerable.Range(0, 8).Select(_ => AddressOfAPortThatIsGone(engineFirst))];
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        byte[] bytes = new byte[64];
        Assert.All(addresses, address => Assert.Equal(Errno.Success, ProcessMemory.Own.Read((ulong)address, bytes)));
        Assert.All(addresses, address => Assert.Equal(Errno.Success, ProcessMemory.Own.Write((ulong)address, bytes)));
    }

    [Fact]
    public void AddressesAreUsedAgain()
    {
        HashSet<nint> seen = [];
        for (int i = 0; i < 200; i++)
        {
            using SharedRegion region = new((16 + (i % 3)) * MiB);
            Assert.Equal(0, *(long*)(region.Address + region.Length - 8));
            *(long*)(region.Address + region.Length - 8) = i + 1;
            seen.Add((nint)region.Address);
        }
        // Other tests take some of them meanwhile.
        Assert.InRange(seen.Count, 1, 100);
    }

    /// <summary>What was there is not: not even for who kept a span.</summary>
    [Fact]
    public void ARegionThatIsGoneLeavesZeros()
    {
        NetmapMemory memory = new(7, isPrivate: true, MemoryGeometry.Private(1, 1, 64, 64, 0, 0));
        memory.Activate();
        byte* buffer = memory.Buffers + (2 * memory.BufferSize);
        *buffer = 42;
        SharedRegion region = memory.Region;
        memory.Dispose();
        Assert.Equal(0, *buffer);
        GC.KeepAlive(region);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint AddressOfAPortThatIsGone(bool engineFirst)
    {
        NetmapEngine engine = new();
        NetmapPort port = NetmapPort.Open("vale0:a", engine: engine);
        Span<byte> kept = port.TxRings[0].Buffer(0);
        kept[0] = 1;
        nint address = (nint)Unsafe.AsPointer(ref kept[0]);
        if (engineFirst)
        {
            engine.Dispose();
            return address;
        }
        port.Dispose();
        engine.Dispose();
        return address;
    }
}
