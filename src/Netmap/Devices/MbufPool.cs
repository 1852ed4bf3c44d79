using System.Runtime.InteropServices;

namespace Netmap.Devices;

/// <summary>
/// A fixed number of mbufs over one piece of native memory. Anybody may free; the free list is under a lock held for a few
/// instructions. The memory goes when the pool is disposed and the last mbuf is back.
/// </summary>
internal sealed unsafe class MbufPool : IMbufOwner, IDisposable
{
    private readonly Lock _lock = new();
    private readonly int _capacity;
    private readonly int _count;
    private byte* _memory;
    private Mbuf? _free;
    private int _out;
    private bool _disposed;

    /// <param name="count">Mbufs.</param>
    /// <param name="capacity">Bytes of each; rounded up to whole cache lines.</param>
    public MbufPool(int count, int capacity)
    {
        _count = count;
        _capacity = (capacity + 63) & ~63;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)_capacity * (nuint)count, 64);
        for (int i = count - 1; i >= 0; i--)
            _free = new Mbuf(this, _memory + ((long)i * _capacity), _capacity) { Next = _free };
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
    public int Count => _count;

    private void FreeIfDone()
    {
        if (!_disposed || _out > 0)
            return;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
