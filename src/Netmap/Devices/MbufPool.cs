using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Devices;

/// <summary>
/// Mbufs over one block of native memory. One thread at a time allocates (the queue's lock); frames come back from any
/// thread. The memory goes once the pool is disposed of and every frame is back, so a frame still in flight stays valid.
/// </summary>
internal sealed unsafe class MbufPool : IMbufOwner, IDisposable
{
    private const int Alignment = 64;

    private readonly Lock _closing = new();
    private readonly int _count;
    private readonly int _capacity;
    private readonly nuint _stride;
    private byte* _memory;
    private Mbuf? _free;
    private Mbuf? _returned;
    private int _home;
    private bool _disposed;

    /// <summary>A pool of <paramref name="count"/> mbufs of <paramref name="capacity"/> bytes; pages are committed when touched.</summary>
    /// <exception cref="NetmapException">ENOMEM.</exception>
    public MbufPool(int count, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _count = count;
        _capacity = capacity;
        _stride = ((nuint)capacity + Alignment - 1) & ~(nuint)(Alignment - 1);
        _memory = AllocateMemory((nuint)count * _stride);
        for (int i = count - 1; i >= 0; i--)
            _free = new Mbuf(this, Block(i), capacity) { Tag = i, Next = _free };
    }

    /// <summary>A frame with one reference, <see cref="Mbuf.Length"/> as it was left; null when all are in flight.</summary>
    public Mbuf? Allocate()
    {
        Mbuf? mbuf = _free;
        if (mbuf is null)
        {
            // Taking the whole stack at once leaves no room for the ABA problem of popping one. The exchange pairs with
            // the one in Recycle: whoever pushed has finished with the frame.
            mbuf = Volatile.Read(ref _returned) is null ? null : Interlocked.Exchange(ref _returned, null);
            if (mbuf is null)
                return null;
        }
        _free = mbuf.Next;
        mbuf.Revive();
        mbuf.Data = Block(mbuf.Tag);
        mbuf.Capacity = _capacity;
        return mbuf;
    }

    public void Recycle(Mbuf mbuf)
    {
        Mbuf? head = Volatile.Read(ref _returned);
        while (true)
        {
            mbuf.Next = head;
            Mbuf? seen = Interlocked.CompareExchange(ref _returned, mbuf, head);
            if (ReferenceEquals(seen, head))
                break;
            head = seen;
        }
        // The exchange above is a full fence and pairs with the one in Dispose: either this thread sees the flag, or
        // Dispose sees the frame.
        if (Volatile.Read(ref _disposed))
            FreeWhenComplete();
    }

    /// <summary>
    /// No <see cref="Allocate"/> may run or follow. Frees the memory now, or when the last frame comes back. Idempotent.
    /// </summary>
    public void Dispose()
    {
        lock (_closing)
        {
            if (_disposed)
                return;
            _home = Count(_free);
            _free = null;
            Volatile.Write(ref _disposed, true);
        }
        Interlocked.MemoryBarrier();
        FreeWhenComplete();
    }

    private void FreeWhenComplete()
    {
        lock (_closing)
        {
            _home += Count(Interlocked.Exchange(ref _returned, null));
            if (_home != _count || _memory == null)
                return;
            NativeMemory.AlignedFree(_memory);
            _memory = null;
        }
    }

    private static int Count(Mbuf? mbuf)
    {
        int count = 0;
        for (; mbuf is not null; mbuf = mbuf.Next)
            count++;
        return count;
    }

    private static byte* AllocateMemory(nuint bytes)
    {
        try
        {
            return (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
        }
        catch (OutOfMemoryException)
        {
            throw new NetmapException(Errno.ENOMEM, "allocate frame buffers", null,
                $"no {bytes} bytes of memory; ask for fewer or smaller slots");
        }
    }

    private byte* Block(int index) => _memory + ((nuint)index * _stride);
}
