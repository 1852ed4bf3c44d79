using System.Runtime.CompilerServices;

namespace Netmap.Vale;

/// <summary>
/// Which port an address was last seen on. Eight places for each hash value, one cache line; an entry is one 64-bit word,
/// address and port, so that readers and writers need no lock. Entries age, and go with their port.
/// </summary>
internal sealed class ForwardingTable
{
    public const ulong AddressMask = 0xffff_ffff_ffff;

    private const int Ways = 8;
    private const int PortShift = 48;

    private readonly ulong[] _entries;
    private readonly uint[] _seen;
    private readonly uint _buckets;
    private uint _age;

    /// <param name="size">Addresses, rounded up to a power of two.</param>
    /// <param name="age">Seconds an address is remembered.</param>
    public ForwardingTable(int size, uint age)
    {
        _buckets = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, size / Ways));
        _entries = new ulong[_buckets * Ways];
        _seen = new uint[_buckets * Ways];
        Age = age;
    }

    /// <summary>Seconds an address is remembered.</summary>
    public uint Age
    {
        get => Volatile.Read(ref _age);
        set => Volatile.Write(ref _age, value);
    }

    /// <summary>Group addresses, broadcast among them; bytes as they lie in a frame, read little-endian.</summary>
    public static bool IsGroup(ulong address) => (address & 1) != 0;

    /// <summary>The port of an address, or -1.</summary>
    /// <param name="address">Six bytes in the low bits.</param>
    /// <param name="now">Seconds.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ulong address, uint now)
    {
        uint first = Bucket(address);
        for (uint i = first; i < first + Ways; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            if ((entry & AddressMask) == address && entry >> PortShift != 0)
                return now - Volatile.Read(ref _seen[i]) <= Age ? (int)(entry >> PortShift) - 1 : -1;
        }
        return -1;
    }

    /// <summary>Remembers that an address sits on a port; a full bucket forgets the one seen longest ago.</summary>
    public void Learn(ulong address, int port, uint now)
    {
        ulong wanted = address | ((ulong)(port + 1) << PortShift);
        uint first = Bucket(address);
        uint place = first;
        uint oldest = 0;
        bool known = false;
        for (uint i = first; i < first + Ways; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            if (entry >> PortShift == 0)
            {
                if (!known && oldest != uint.MaxValue)
                    (place, oldest) = (i, uint.MaxValue);
            }
            else if ((entry & AddressMask) == address)
            {
                // Two threads may have learned the same address into two places: the first counts.
                if (known)
                    Interlocked.CompareExchange(ref _entries[i], 0, entry);
                else
                    (place, known) = (i, true);
            }
            else if (!known && oldest != uint.MaxValue && now - Volatile.Read(ref _seen[i]) >= oldest)
            {
                (place, oldest) = (i, now - Volatile.Read(ref _seen[i]));
            }
        }
        if (Volatile.Read(ref _seen[place]) != now)
            Volatile.Write(ref _seen[place], now);
        if (Volatile.Read(ref _entries[place]) != wanted)
            Volatile.Write(ref _entries[place], wanted);
    }

    /// <summary>A port is gone: its number may soon be another's. No sender of that port is inside any more.</summary>
    public void Forget(int port)
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            if ((int)(entry >> PortShift) - 1 == port)
                Interlocked.CompareExchange(ref _entries[i], 0, entry);
        }
    }

    /// <summary>What is remembered now: address, port, and seconds since it was last seen.</summary>
    public List<(ulong Address, int Port, uint Idle)> Snapshot(uint now)
    {
        List<(ulong, int, uint)> all = [];
        for (int i = 0; i < _entries.Length; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            uint idle = now - Volatile.Read(ref _seen[i]);
            if (entry >> PortShift != 0 && idle <= Age)
                all.Add((entry & AddressMask, (int)(entry >> PortShift) - 1, idle));
        }
        return all;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Bucket(ulong address) => ((uint)((address * 0x9e3779b97f4a7c15) >> 32) & (_buckets - 1)) * Ways;
}
