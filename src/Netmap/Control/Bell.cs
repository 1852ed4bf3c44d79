using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// An eventfd to sleep on together with the devices' descriptors. Ringing it costs a system call only while its owner has
/// armed it.
/// </summary>
internal unsafe class Bell : IDisposable
{
    private readonly SafeDescriptor _event;
    private int _armed;

    /// <exception cref="NetmapException">EMFILE.</exception>
    public Bell()
    {
        SysResult fd = SysEventfd.eventfd(0, SysEventfd.EFD_CLOEXEC | SysEventfd.EFD_NONBLOCK);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open", null, "no descriptor for the wake-up event; raise `ulimit -n`");
        _event = new SafeDescriptor(fd.Int32);
    }

    /// <summary>A bell that rings in another way; owns <paramref name="descriptor"/>.</summary>
    protected Bell(SafeDescriptor descriptor) => _event = descriptor;

    /// <summary>Guarded by the lock of <see cref="Bells"/>.</summary>
    public bool IsRented { get; set; }

    /// <summary>What the owner sleeps on, or -1.</summary>
    public virtual int Descriptor => _event.Fd;

    public bool IsArmed => Volatile.Read(ref _armed) != 0;

    /// <summary>
    /// From now on news rings the bell. The full fence pairs with that of <see cref="Wake"/>, or of
    /// <see cref="Rings.WaitQueue.Wake"/>: either the look that follows sees the news, or its bringer sees the bell armed.
    /// </summary>
    public void Arm() => Interlocked.Exchange(ref _armed, 1);

    public void Disarm() => Volatile.Write(ref _armed, 0);

    /// <summary>Rings if armed. Any thread, also one that comes too late.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        WakeFenced();
    }

    /// <summary>As <see cref="Wake"/>, for a caller that has passed a full fence after it stored its news.</summary>
    public void WakeFenced()
    {
        if (Volatile.Read(ref _armed) != 0 && Interlocked.Exchange(ref _armed, 0) != 0)
            Ring();
    }

    /// <summary>The lock keeps a late bringer of news from writing to somebody else's new descriptor.</summary>
    public void Ring()
    {
        lock (_event)
        {
            if (!_event.IsClosed)
                Signal(_event.Fd);
        }
    }

    /// <summary>Makes the descriptor quiet again.</summary>
    public virtual void Drain()
    {
        ulong count;
        Unistd.read(_event.Fd, &count, sizeof(ulong));
    }

    public void Dispose()
    {
        lock (_event)
            _event.Dispose();
    }

    /// <summary>Wakes whoever sleeps on the descriptor; never blocks.</summary>
    protected virtual void Signal(int descriptor)
    {
        ulong one = 1;
        Unistd.write(descriptor, &one, sizeof(ulong));
    }
}
