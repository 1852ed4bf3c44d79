using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// Addresses of netmap memory. They are never given back to the system: a span holds no reference to what it points to, and
/// may be kept longer than every object of its port. There it finds zeros, or what a later region has there, but never a
/// fault and never anything but netmap's memory. Addresses of regions that are gone are used again, so there are as many as
/// regions had at most at a time.
/// </summary>
internal static unsafe class AddressReserve
{
    private const int Writable = SysMman.PROT_READ | SysMman.PROT_WRITE;

    private static readonly Lock s_lock = new();

    /// <summary>Free ranges by address, none next to another: bytes of each. All of it is mapped, and has no pages.</summary>
    private static readonly SortedList<nuint, nuint> s_free = [];

    /// <summary>Maps part of a file for reading and writing, at addresses of the reserve where it has room.</summary>
    public static SysResult Map(nuint length, int flags, int file, long offset)
    {
        if (!TryTake(length, out byte* address))
            return SysMman.mmap(null, length, Writable, flags, file, offset);
        SysResult mapped = SysMman.mmap(address, length, Writable, flags | SysMman.MAP_FIXED, file, offset);
        if (!mapped.IsError)
            return mapped;
        // Huge pages want other addresses.
        Return(address, length);
        return SysMman.mmap(null, length, Writable, flags, file, offset);
    }

    /// <summary>Takes the pages away; reading gives zeros from now on.</summary>
    /// <returns>False where the system refuses; all stays as it is.</returns>
    public static bool TryEmpty(byte* address, nuint length) => !SysMman.mmap(address, length, Writable,
        SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS | SysMman.MAP_FIXED | SysMman.MAP_NORESERVE, -1, 0).IsError;

    /// <summary>The addresses may be a later region's.</summary>
    public static void Return(byte* address, nuint length)
    {
        // Left as it is, it is not used again, and does no harm.
        if (!TryEmpty(address, length))
            return;
        lock (s_lock)
        {
            nuint start = (nuint)address;
            nuint end = start + length;
            if (s_free.TryGetValue(end, out nuint behind))
            {
                s_free.Remove(end);
                end += behind;
            }
            int before = IndexBefore(start);
            if (before >= 0 && s_free.GetKeyAtIndex(before) + s_free.GetValueAtIndex(before) == start)
                start = s_free.GetKeyAtIndex(before);
            s_free[start] = end - start;
        }
    }

    /// <summary>The smallest range that is large enough; what is left of it stays.</summary>
    private static bool TryTake(nuint length, out byte* address)
    {
        lock (s_lock)
        {
            int best = -1;
            for (int i = 0; i < s_free.Count; i++)
            {
                if (s_free.GetValueAtIndex(i) >= length && (best < 0 || s_free.GetValueAtIndex(i) < s_free.GetValueAtIndex(best)))
                    best = i;
            }
            address = best < 0 ? null : (byte*)s_free.GetKeyAtIndex(best);
            if (best < 0)
                return false;
            nuint left = s_free.GetValueAtIndex(best) - length;
            s_free.RemoveAt(best);
            if (left > 0)
                s_free.Add((nuint)address + length, left);
            return true;
        }
    }

    /// <summary>The last range that begins before an address, or -1.</summary>
    private static int IndexBefore(nuint address)
    {
        int low = 0;
        int high = s_free.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (s_free.GetKeyAtIndex(middle) < address)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }
}
