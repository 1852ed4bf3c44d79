using System.Numerics;

namespace Netmap.Memory;

/// <summary>
/// Which objects of a pool are taken. Allocation gives the lowest free index (spec 1.4). Not thread-safe: its allocator's
/// lock guards it; it is never touched on the data path.
/// </summary>
internal sealed class ObjectPool
{
    private readonly ulong[] _free;
    private int _lowest;

    /// <param name="geometry">Objects.</param>
    /// <param name="offset">Where the pool starts in its region, in bytes.</param>
    /// <param name="reserved">Objects at the start that are never handed out.</param>
    public ObjectPool(PoolGeometry geometry, long offset, int reserved)
    {
        Geometry = geometry;
        Offset = offset;
        Reserved = reserved;
        _free = new ulong[(geometry.Count + 63) / 64];
        Reset();
    }

    public PoolGeometry Geometry { get; }

    public long Offset { get; }

    public int Reserved { get; }

    /// <summary>Objects that can still be had.</summary>
    public int Available { get; private set; }

    /// <summary>Byte position of an object in the region.</summary>
    public long PositionOf(int index) => Offset + ((long)index * Geometry.ObjectSize);

    /// <summary>Takes the lowest free object; false when there is none.</summary>
    public bool TryAllocate(out int index)
    {
        for (int word = _lowest; word < _free.Length; word++)
        {
            if (_free[word] == 0)
                continue;
            int bit = BitOperations.TrailingZeroCount(_free[word]);
            _free[word] &= _free[word] - 1;
            _lowest = word;
            Available--;
            index = (word * 64) + bit;
            return true;
        }
        _lowest = _free.Length;
        index = -1;
        return false;
    }

    /// <summary>Gives an object back; false when it is reserved, no object of this pool, or free already.</summary>
    public bool TryFree(uint index)
    {
        if (index < Reserved || index >= Geometry.Count)
            return false;
        int word = (int)(index / 64);
        ulong bit = 1UL << (int)(index % 64);
        if ((_free[word] & bit) != 0)
            return false;
        _free[word] |= bit;
        _lowest = Math.Min(_lowest, word);
        Available++;
        return true;
    }

    /// <summary>Makes every object but the reserved ones free again: recovers whatever programs leaked.</summary>
    public void Reset()
    {
        Array.Fill(_free, ulong.MaxValue);
        int tail = Geometry.Count % 64;
        if (tail != 0)
            _free[^1] = (1UL << tail) - 1;
        for (int i = 0; i < Reserved; i++)
            _free[i / 64] &= ~(1UL << (i % 64));
        _lowest = 0;
        Available = Geometry.Count - Reserved;
    }
}
