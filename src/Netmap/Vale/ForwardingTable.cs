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
    private readonly int _shift;
    private int _age;

    /// <param name="size">Addresses, rounded up to a power of two.</param>
    /// <param name="age">Seconds an address is remembered.</param>
    public ForwardingTable(int size, uint age)
    {
        _buckets = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, size / Ways));
        _shift = 64 - System.Numerics.BitOperations.Log2(_buckets);
        _entries = new ulong[_buckets * Ways];
        _seen = new uint[_buckets * Ways];
        Aging = age;
    }

    /// <summary>Seconds an address is remembered.</summary>
    public uint Aging
    {
        get => (uint)Volatile.Read(ref _age);
        set => Volatile.Write(ref _age, (int)value);
    }

    /// <summary>Group addresses, broadcast among them; bytes as they lie in a frame, read little-endian.</summary>
    public static bool IsGroup(ulong address) => (address & 1) != 0;

    /// <summary>One station's. No station has the address 0, which frames of zeros come from and go to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsStation(ulong address) => (address & 1) == 0 && address != 0;

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
                return Age(i, now) <= _age ? (int)(entry >> PortShift) - 1 : -1;
        }
        return -1;
    }

    /// <summary>The entry that says an address sits on a port.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Entry(ulong address, int port) => address | ((ulong)(port + 1) << PortShift);

    /// <summary>True while a place that <see cref="Learn"/> returned, of this or any other table, holds this entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Holds(uint place, ulong entry) => place < (uint)_entries.Length && Volatile.Read(ref _entries[place]) == entry;

    /// <summary>Remembers that an address sits on a port; a full bucket forgets the one seen longest ago.</summary>
    /// <returns>Where.</returns>
    public uint Learn(ulong address, int port, uint now)
    {
        ulong wanted = Entry(address, port);
        uint first = Bucket(address);
        uint place = first;
        // Seconds since the candidate for eviction was seen; an empty place beats all.
        int oldest = -1;
        bool known = false;
        for (uint i = first; i < first + Ways; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            if (entry >> PortShift == 0)
            {
                if (!known && oldest != int.MaxValue)
                    (place, oldest) = (i, int.MaxValue);
            }
            else if ((entry & AddressMask) == address)
            {
                // Two threads may have learned the same address into two places: the first counts.
                if (known)
                    Interlocked.CompareExchange(ref _entries[i], 0, entry);
                else
                    (place, known) = (i, true);
            }
            else if (!known && Age(i, now) > oldest)
            {
                (place, oldest) = (i, Age(i, now));
            }
        }
        if (Volatile.Read(ref _seen[place]) != now)
            Volatile.Write(ref _seen[place], now);
        if (Volatile.Read(ref _entries[place]) != wanted)
            Volatile.Write(ref _entries[place], wanted);
        return place;
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
    public List<(ulong Address, int Port, int Idle)> Snapshot(uint now)
    {
        List<(ulong, int, int)> all = [];
        for (uint i = 0; i < _entries.Length; i++)
        {
            ulong entry = Volatile.Read(ref _entries[i]);
            int idle = Age(i, now);
            if (entry >> PortShift != 0 && idle <= _age)
                all.Add((entry & AddressMask, (int)(entry >> PortShift) - 1, idle));
        }
        return all;
    }

    /// <summary>Seconds since a place was refreshed; 0 where another thread's clock is a tick ahead.</summary>
    private int Age(uint place, uint now) => Math.Max(0, (int)(now - Volatile.Read(ref _seen[place])));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Bucket(ulong address) =>
        // The product's upper bits: only they depend on every byte, also on the last one, where stations of one maker differ.
        ((uint)((address * 0x9e3779b97f4a7c15) >> _shift) & (_buckets - 1)) * Ways;
}
