using System.Runtime.InteropServices;

namespace Netmap.Devices;

/// <summary>
/// A fixed number of mbufs over one piece of native memory. Anybody may free; the free list is under a lock held for a few
/// instructions. The memory goes when the pool is disposed and the last mbuf is back.
/// </summary>
internal sealed unsafe class MbufPool : IMbufOwner, IDisposable
{
    private const int Page = 4096;

    private readonly Lock _lock = new();
    private readonly Mbuf[] _mbufs;
    private byte* _memory;
    private Mbuf? _free;
    private int _out;
    private bool _disposed;

    /// <param name="count">Mbufs.</param>
    /// <param name="capacity">Bytes of each; rounded up to whole cache lines.</param>
    public MbufPool(int count, int capacity)
    {
        Capacity = (capacity + 63) & ~63;
        Bytes = (nuint)Capacity * (nuint)count;
        _memory = (byte*)NativeMemory.AlignedAlloc(Bytes, Page);
        _mbufs = new Mbuf[count];
        for (int i = count - 1; i >= 0; i--)
            _free = _mbufs[i] = new Mbuf(this, _memory + ((long)i * Capacity), Capacity) { Next = _free, Tag = i };
    }

    /// <summary>An mbuf with one reference, or null when all are out or the pool is disposed.</summary>
    public Mbuf? Allocate()
    {
        Mbuf? mbuf;
        lock (_lock)
        {
            mbuf = _disposed ? null : _free;
            if (mbuf is null)
                return null;
            _free = mbuf.Next;
            _out++;
        }
        mbuf.Revive();
        mbuf.Length = 0;
        return mbuf;
    }

    public void Recycle(Mbuf mbuf)
    {
        lock (_lock)
        {
            mbuf.Next = _free;
            _free = mbuf;
            _out--;
            FreeIfDone();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            FreeIfDone();
        }
    }

    /// <summary>Mbufs out, for leak tests.</summary>
    public int Outstanding => Volatile.Read(ref _out);

    /// <summary>All mbufs of the pool.</summary>
    public int Count => _mbufs.Length;

    /// <summary>Bytes of each mbuf.</summary>
    public int Capacity { get; }

    /// <summary>All their memory, from a page's start on; mbuf i is at i times <see cref="Capacity"/>.</summary>
    public byte* Memory => _memory;

    /// <summary>Bytes at <see cref="Memory"/>.</summary>
    public nuint Bytes { get; }

    /// <summary>The mbuf with this <see cref="Mbuf.Tag"/>.</summary>
    public Mbuf this[int index] => _mbufs[index];

    private void FreeIfDone()
    {
        if (!_disposed || _out > 0)
            return;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
