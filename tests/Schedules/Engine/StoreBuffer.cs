using System.Runtime.CompilerServices;

namespace Netmap.Tests.Schedules;

/// <summary>How long a store may stay out of other threads' sight.</summary>
internal enum MemoryModel
{
    /// <summary>Not at all: sequential consistency.</summary>
    Sequential,

    /// <summary>Until a fence; stores are seen in their order: x86.</summary>
    TotalStoreOrder,

    /// <summary>As that, but plain stores may be seen in any order; a release store comes after all before it: the store side of ARM.</summary>
    PartialStoreOrder,
}

/// <summary>
/// Stores of one thread that no other thread sees yet. Places are raw addresses: the explorer lets no collection move objects while it
/// runs schedules.
/// </summary>
internal sealed unsafe class StoreBuffer
{
    private const int Most = 24;

    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;

    public bool IsFull => _entries.Count >= Most;

    /// <summary>Sees its own stores first: the value of the youngest one to this place.</summary>
    /// <returns>False when memory has it; a store that covers the place in part is flushed first.</returns>
    public bool TryLoad<T>(ref T place, out T value)
    {
        value = default!;
        if (_entries.Count == 0)
            return false;
        byte* address = (byte*)Unsafe.AsPointer(ref place);
        int size = Unsafe.SizeOf<T>();
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            Entry entry = _entries[i];
            if (entry.Address + entry.Size <= address || address + size <= entry.Address)
                continue;
            if (entry.Address != address || entry.Size != size)
            {
                Drain();
                return false;
            }
            ulong bits = entry.Bits;
            value = typeof(T).IsValueType ? Unsafe.As<ulong, T>(ref bits) : Unsafe.As<object?, T>(ref entry.Reference);
            return true;
        }
        return false;
    }

    public void Add<T>(ref T place, T value, bool release)
    {
        Entry entry = new() { Address = (byte*)Unsafe.AsPointer(ref place), Size = Unsafe.SizeOf<T>(), IsRelease = release };
        if (typeof(T).IsValueType)
            Unsafe.As<ulong, T>(ref entry.Bits) = value;
        else
            (entry.Reference, entry.IsReference) = (value, true);
        _entries.Add(entry);
    }

    /// <summary>The oldest store reaches memory.</summary>
    public void FlushOldest() => Flush(0);

    /// <summary>A store that may overtake the others reaches memory: half of the times the youngest such.</summary>
    public void FlushAny(SplitMix random)
    {
        int chosen = random.Next(2) == 0 ? _entries.Count - 1 : random.Next(_entries.Count);
        while (chosen > 0 && !MayOvertake(chosen))
            chosen--;
        Flush(chosen);
    }

    /// <summary>Nothing of it matters any more.</summary>
    public void Clear() => _entries.Clear();

    public void Drain()
    {
        foreach (Entry entry in _entries)
            entry.Apply();
        _entries.Clear();
    }

    private void Flush(int index)
    {
        Entry entry = _entries[index];
        _entries.RemoveAt(index);
        entry.Apply();
    }

    private bool MayOvertake(int index)
    {
        Entry own = _entries[index];
        if (own.IsRelease)
            return false;
        for (int i = 0; i < index; i++)
        {
            Entry other = _entries[i];
            if (other.Address < own.Address + own.Size && own.Address < other.Address + other.Size)
                return false;
        }
        return true;
    }

    private struct Entry
    {
        public byte* Address;
        public int Size;
        public ulong Bits;
        public object? Reference;
        public bool IsReference;
        public bool IsRelease;

        public readonly void Apply()
        {
            if (IsReference)
                Unsafe.AsRef<object?>(Address) = Reference;
            else if (Size == 1)
                *Address = (byte)Bits;
            else if (Size == 2)
                *(ushort*)Address = (ushort)Bits;
            else if (Size == 4)
                *(uint*)Address = (uint)Bits;
            else
                *(ulong*)Address = Bits;
        }
    }
}
