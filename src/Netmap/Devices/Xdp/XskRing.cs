using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>
/// One of the four rings an XDP socket shares with the kernel (the kernel's net/xdp/xsk_queue.h): the only owner of its
/// index arithmetic and ordering. Indices run on through 2^32; entries are a power of two. Owns the mapping.
/// </summary>
/// <typeparam name="T">xdp_desc, or a 64-bit address.</typeparam>
internal abstract unsafe class XskRing<T> : IDisposable
    where T : unmanaged
{
    private readonly nuint _bytes;
    private byte* _memory;

    private protected XskRing(byte* memory, nuint bytes, in xdp_ring_offset offsets, uint entries)
    {
        _memory = memory;
        _bytes = bytes;
        Entries = entries;
        Producer = (uint*)(memory + offsets.producer);
        Consumer = (uint*)(memory + offsets.consumer);
        Flags = (uint*)(memory + offsets.flags);
        Slots = (T*)(memory + offsets.desc);
    }

    public uint Entries { get; }

    private protected uint* Producer { get; }

    private protected uint* Consumer { get; }

    private protected uint* Flags { get; }

    private protected T* Slots { get; }

    /// <summary>Entry at a running index.</summary>
    private protected ref T this[uint index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Slots[index & (Entries - 1)];
    }

    public void Dispose()
    {
        if (_memory != null)
            SysMman.munmap(_memory, _bytes);
        _memory = null;
    }

    /// <summary>Maps a ring of a socket.</summary>
    private protected static byte* Map(int socket, long which, in xdp_ring_offset offsets, uint entries, out nuint bytes, out Errno error)
    {
        bytes = (nuint)(offsets.desc + ((ulong)entries * (ulong)sizeof(T)));
        SysResult mapped = SysMman.mmap(null, bytes, SysMman.PROT_READ | SysMman.PROT_WRITE,
            SysMman.MAP_SHARED | SysMman.MAP_POPULATE, socket, which);
        error = mapped.Errno;
        return mapped.IsError ? null : (byte*)mapped.Value;
    }
}

/// <summary>A ring we fill and the kernel empties: fill, transmit.</summary>
internal sealed unsafe class XskProducer<T> : XskRing<T>
    where T : unmanaged
{
    private uint _next;
    private uint _seen;

    private XskProducer(byte* memory, nuint bytes, in xdp_ring_offset offsets, uint entries)
        : base(memory, bytes, offsets, entries) => _next = _seen = *Producer;

    public static XskProducer<T>? TryMap(int socket, long which, in xdp_ring_offset offsets, uint entries, out Errno error)
    {
        byte* memory = Map(socket, which, offsets, entries, out nuint bytes, out error);
        return memory == null ? null : new(memory, bytes, offsets, entries);
    }

    /// <summary>Entries shown to the kernel that it has not taken yet. Load-acquire: pairs with its store-release of the consumer.</summary>
    public uint Untaken => _next - Volatile.Read(ref *Consumer);

    /// <summary>The entry the kernel took last.</summary>
    public T LastTaken => this[Volatile.Read(ref *Consumer) - 1];

    /// <summary>The kernel sleeps: it wants a call to go on.</summary>
    public bool NeedsWakeup => (Volatile.Read(ref *Flags) & LinuxIfXdp.XDP_RING_NEED_WAKEUP) != 0;

    /// <summary>Entries that can be written now; looks at the kernel's side only when <paramref name="wanted"/> are not known to be free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Room(uint wanted)
    {
        uint room = Entries - (_next - _seen);
        if (room >= wanted)
            return room;
        // Load-acquire: the kernel has read the entries it let go; pairs with its store-release of the consumer.
        _seen = Volatile.Read(ref *Consumer);
        return Entries - (_next - _seen);
    }

    /// <summary>Writes an entry without showing it yet; <paramref name="ahead"/> counts from the last shown.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(uint ahead, in T entry) => this[_next + ahead] = entry;

    /// <summary>Shows entries. Store-release: pairs with the kernel's load-acquire of the producer.</summary>
    public void Submit(uint count)
    {
        _next += count;
        Volatile.Write(ref *Producer, _next);
    }
}

/// <summary>A ring the kernel fills and we empty: receive, completion.</summary>
internal sealed unsafe class XskConsumer<T> : XskRing<T>
    where T : unmanaged
{
    private uint _next;
    private uint _seen;

    private XskConsumer(byte* memory, nuint bytes, in xdp_ring_offset offsets, uint entries)
        : base(memory, bytes, offsets, entries) => _next = _seen = *Consumer;

    public static XskConsumer<T>? TryMap(int socket, long which, in xdp_ring_offset offsets, uint entries, out Errno error)
    {
        byte* memory = Map(socket, which, offsets, entries, out nuint bytes, out error);
        return memory == null ? null : new(memory, bytes, offsets, entries);
    }

    /// <summary>
    /// Entries waiting; looks at the kernel's side only when fewer than <paramref name="wanted"/> are known. Load-acquire:
    /// entries and frames are visible; pairs with the kernel's store-release of the producer.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Available(uint wanted = uint.MaxValue)
    {
        uint known = _seen - _next;
        if (known >= wanted)
            return known;
        _seen = Volatile.Read(ref *Producer);
        return _seen - _next;
    }

    /// <summary>A waiting entry, <paramref name="ahead"/> of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Read(uint ahead) => this[_next + ahead];

    /// <summary>Gives entries back. Store-release: we have read them; pairs with the kernel's load-acquire of the consumer.</summary>
    public void Release(uint count)
    {
        _next += count;
        Volatile.Write(ref *Consumer, _next);
    }
}
