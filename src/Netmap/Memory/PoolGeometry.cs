using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>Size and number of the objects of one pool, after netmap's rounding (spec 1.4).</summary>
/// <param name="ObjectSize">Bytes of an object, a multiple of 64; of a lent pool as asked for.</param>
/// <param name="Count">Objects, whole clusters; of a lent pool what fits.</param>
internal readonly record struct PoolGeometry(int ObjectSize, int Count)
{
    private const int Alignment = 64;
    private const int PageSize = 4096;
    private const int LargestCluster = 4 << 20;

    /// <summary>Bytes of the pool.</summary>
    public long Bytes => (long)ObjectSize * Count;

    /// <summary>
    /// Rounds a request: the size up to 64, the number up to whole clusters, the smallest group of objects whose total is
    /// a multiple of the page.
    /// </summary>
    /// <exception cref="NetmapException">EINVAL: outside the limits, or no cluster up to 4 MiB ends on a page.</exception>
    public static PoolGeometry Round(PoolLimits limits, int size, int count)
    {
        limits.Check(size, count);
        int rounded = (size + Alignment - 1) & -Alignment;
        int cluster = 1;
        while ((long)cluster * rounded % PageSize != 0)
            cluster++;
        if ((long)cluster * rounded > LargestCluster)
            throw new NetmapException(Errno.EINVAL, "configure memory", null,
                $"{limits.SizeOption} {size} needs clusters above 4 MiB; choose a size with a larger power of two in it");
        return new(rounded, (count + cluster - 1) / cluster * cluster);
    }
}

/// <summary>What may be asked of a pool (spec 1.4), and the names of the options that ask it.</summary>
internal sealed record PoolLimits(string SizeOption, string CountOption, int MinSize, int MaxSize, int MinCount, int MaxCount)
{
    public static readonly PoolLimits GlobalInterfaces = new("InterfaceSize (if_size)", "InterfaceCount (if_num)", 56, 4096, 10, 10000);
    public static readonly PoolLimits PrivateInterfaces = new("InterfaceSize (if_size)", "InterfaceCount (if_num)", 56, 4096, 1, 100);
    public static readonly PoolLimits Rings = new("RingSize", "RingCount", 256, 131072, 2, 1024);
    public static readonly PoolLimits Buffers = new("BufferSize", "BufferCount", 64, 65536, 4, 1000000);

    /// <summary>Objects of lent memory keep their size: rings and interfaces must not split the fields they are made of over cache lines.</summary>
    /// <exception cref="NetmapException">EINVAL.</exception>
    public void CheckLent(uint size, string port)
    {
        bool whole = this == Buffers || size % 64 == 0;
        if (size < MinSize || size > MaxSize || !whole)
            throw new NetmapException(Errno.EINVAL, "lend memory", port,
                $"objects of {size} bytes; {SizeOption} is {MinSize}..{MaxSize}{(this == Buffers ? "" : ", in steps of 64")}");
    }

    public void Check(int size, int count)
    {
        if (size < MinSize || size > MaxSize)
            throw new NetmapException(Errno.EINVAL, "configure memory", null,
                $"{SizeOption} {size} is outside {MinSize}..{MaxSize} bytes");
        if (count < MinCount || count > MaxCount)
            throw new NetmapException(Errno.EINVAL, "configure memory", null,
                $"{CountOption} {count} is outside {MinCount}..{MaxCount}");
    }
}
