using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// The bell of one open file: an eventfd to sleep on together with the devices' descriptors. Ringing it costs a system
/// call only while somebody has armed it.
/// </summary>
internal sealed unsafe class Waiter : IWaiter, IDisposable
{
    private readonly SafeDescriptor _bell;
    private int _armed;

    /// <exception cref="NetmapException">EMFILE.</exception>
    public Waiter()
    {
        SysResult fd = SysEventfd.eventfd(0, SysEventfd.EFD_CLOEXEC | SysEventfd.EFD_NONBLOCK);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open", null, "no descriptor for the wake-up event; raise `ulimit -n`");
        _bell = new SafeDescriptor(fd.Int32);
    }

    public int Descriptor => _bell.Fd;

    /// <summary>
    /// Keeps the descriptor open until <see cref="Release"/>, also when the file is closed meanwhile: a sleeper must not
    /// find itself on somebody else's new descriptor. False when it is closed already.
    /// </summary>
    public bool TryHold()
    {
        lock (_bell)
        {
            if (_bell.IsClosed)
                return false;
            bool held = false;
            _bell.DangerousAddRef(ref held);
            return held;
        }
    }

    public void Release() => _bell.DangerousRelease();

    /// <summary>
    /// From now on news rings the bell. The full fence pairs with the exchange in <see cref="Wake"/>: either the look that
    /// follows sees the news, or its bringer sees the bell armed.
    /// </summary>
    public void Arm() => Interlocked.Exchange(ref _armed, 1);

    public void Disarm() => Volatile.Write(ref _armed, 0);

    public void Wake()
    {
        if (Interlocked.Exchange(ref _armed, 0) == 0)
            return;
        ulong one = 1;
        lock (_bell)
        {
            if (!_bell.IsClosed)
                Unistd.write(_bell.Fd, &one, sizeof(ulong));
        }
    }

    /// <summary>Makes the descriptor quiet again.</summary>
    public void Drain()
    {
        ulong count;
        Unistd.read(_bell.Fd, &count, sizeof(ulong));
    }

    /// <summary>The lock keeps a late bell from ringing somebody else's new descriptor.</summary>
    public void Dispose()
    {
        lock (_bell)
            _bell.Dispose();
    }
}
