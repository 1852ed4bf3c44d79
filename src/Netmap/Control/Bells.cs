using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// The bells of one open file: each thread that polls it rents one of its own, so that one thread's waking never hides
/// another's. Bells are made when none is free and kept; a file polled by one thread has one.
/// </summary>
internal sealed class Bells : IWaiter, IDisposable
{
    private readonly Lock _lock = new();
    private Bell[] _all = [];
    private bool _closed;

    /// <param name="own">This process polls the file: a first bell is made now, so that a lack of descriptors shows at open.</param>
    /// <exception cref="NetmapException">EMFILE.</exception>
    public Bells(bool own)
    {
        if (own)
            Return(Rent()!);
    }

    /// <summary>A bell of somebody else's, who may arm it from now on until <see cref="Remove"/>.</summary>
    public void Add(Bell bell)
    {
        bell.IsRented = true;
        lock (_lock)
            Volatile.Write(ref _all, [.. _all, bell]);
    }

    public void Remove(Bell bell)
    {
        lock (_lock)
            Volatile.Write(ref _all, [.. _all.Where(other => other != bell)]);
    }

    /// <summary>A bell for one poll, or null when the file is closed.</summary>
    /// <exception cref="NetmapException">EMFILE.</exception>
    public Bell? Rent()
    {
        lock (_lock)
        {
            if (_closed)
                return null;
            Bell? free = Array.Find(_all, static bell => !bell.IsRented);
            if (free is null)
                Volatile.Write(ref _all, [.. _all, free = new Bell()]);
            free.IsRented = true;
            return free;
        }
    }

    public void Return(Bell bell)
    {
        bell.Disarm();
        lock (_lock)
        {
            bell.IsRented = false;
            if (_closed)
                bell.Dispose();
        }
    }

    /// <summary>Rings every bell that somebody has armed. The caller has fenced; so a bell rented meanwhile is seen, or its renter sees the news.</summary>
    public void Wake()
    {
        foreach (Bell bell in Volatile.Read(ref _all))
            bell.WakeFenced();
    }

    /// <summary>Whoever sleeps wakes; bells that are rented close when they are returned.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (Bell bell in _all)
            {
                if (bell.IsRented)
                    bell.Ring();
                else
                    bell.Dispose();
            }
        }
    }
}
