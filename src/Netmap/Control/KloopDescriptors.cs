using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// The eventfds of a sync loop (spec 10): the program rings one of each ring, and is told by the other. They may be another
/// process's: what it rings is watched edge-triggered and never read. What tells it may be full, and then a write would wait; it is
/// not written while it is full, and where the program fills it in between, <see cref="Unblock"/> makes room.
/// </summary>
internal sealed unsafe class KloopDescriptors : IDisposable
{
    private readonly SafeDescriptor _epoll;
    private readonly int[] _tell;
    private readonly IReadOnlyList<SafeDescriptor> _owned;
    private readonly Lock _lock = new();
    private int _telling = -1;
    private bool _closed;

    /// <param name="ring">What the program rings, one for each ring; all valid.</param>
    /// <param name="tell">What tells the program, or -1.</param>
    /// <param name="owned">Closed with this object.</param>
    /// <exception cref="NetmapException">EBADF one of them cannot be waited for; EMFILE.</exception>
    public KloopDescriptors(int[] ring, int[] tell, IReadOnlyList<SafeDescriptor> owned)
    {
        (_tell, _owned) = (tell, owned);
        SysResult made = SysEpoll.epoll_create1(SysEpoll.EPOLL_CLOEXEC);
        if (made.IsError)
            throw new NetmapException(made.Errno, "sync loop", null, "no descriptor; raise `ulimit -n`");
        _epoll = new SafeDescriptor(made.Int32);
        foreach (int fd in ring.Distinct())
        {
            epoll_event what = new() { events = SysEpoll.EPOLLIN | SysEpoll.EPOLLET };
            if (SysEpoll.epoll_ctl(_epoll.Fd, SysEpoll.EPOLL_CTL_ADD, fd, &what).IsError)
            {
                _epoll.Dispose();
                throw new NetmapException(Errno.EBADF, "sync loop", null, $"descriptor {fd} cannot be waited for");
            }
        }
    }

    /// <summary>
    /// Refuses what is no eventfd: to wait for one, to write and to close it asks only the kernel, where a file may be of a file system, or a
    /// socket, whose other side answers when it likes.
    /// </summary>
    /// <exception cref="NetmapException">EBADF no descriptor; EINVAL not an eventfd.</exception>
    public static void Check(IEnumerable<int> descriptors)
    {
        ReadOnlySpan<byte> name = "anon_inode:[eventfd]"u8;
        byte* link = stackalloc byte[64];
        foreach (int fd in descriptors.Where(fd => fd >= 0).Distinct())
        {
            SysResult length = Unistd.readlink($"/proc/self/fd/{fd}", link, 64);
            if (length.IsError)
                throw new NetmapException(Errno.EBADF, "sync loop", null, $"descriptor {fd} is not open");
            if (!new ReadOnlySpan<byte>(link, length.Int32).SequenceEqual(name))
                throw new NetmapException(Errno.EINVAL, "sync loop", null, $"descriptor {fd} is not an eventfd; use eventfd(2)");
        }
    }

    /// <summary>Tells the program that a ring's tail has moved. One that is full tells it already.</summary>
    public void Notify(int ring)
    {
        int fd = _tell[ring];
        if (fd < 0)
            return;
        pollfd room = new() { fd = fd, events = Poll.POLLOUT };
        timespec now = default;
        Poll.ppoll(&room, 1, &now);
        if ((room.revents & Poll.POLLOUT) == 0)
            return;
        ulong one = 1;
        Volatile.Write(ref _telling, fd);
        Unistd.write(fd, &one, sizeof(ulong));
        Volatile.Write(ref _telling, -1);
    }

    /// <summary>Takes the count out of the eventfd that the loop is writing to, so that the write ends. Never waits. Any thread.</summary>
    public void Unblock()
    {
        lock (_lock)
        {
            int fd = Volatile.Read(ref _telling);
            if (_closed || fd < 0)
                return;
            ulong count;
            iovec place = new() { iov_base = &count, iov_len = sizeof(ulong) };
            SysUio.preadv2(fd, &place, 1, -1, SysUio.RWF_NOWAIT);
        }
    }

    /// <summary>Until the program rings, the port has news, the loop shall stop, or the time is up.</summary>
    public void Sleep(Poller poller, Bell bell, Bell stop, TimeSpan longest)
    {
        int most = poller.MaxDescriptors;
        pollfd[] all = new pollfd[most + 2];
        TimeSpan left = longest;
        int count = poller.PrepareSleep(bell, all.AsSpan(2, most), Poll.POLLIN | Poll.POLLOUT, ref left);
        if (count < 0)
            return;
        all[0] = new() { fd = _epoll.Fd, events = Poll.POLLIN };
        all[1] = new() { fd = stop.Descriptor, events = Poll.POLLIN };
        timespec time = new() { tv_sec = left.Ticks / TimeSpan.TicksPerSecond, tv_nsec = left.Ticks % TimeSpan.TicksPerSecond * 100 };
        fixed (pollfd* descriptors = all)
            Poll.ppoll(descriptors, (nuint)(count + 2), &time);
        epoll_event* events = stackalloc epoll_event[16];
        if (all[0].revents != 0)
            SysEpoll.epoll_wait(_epoll.Fd, events, 16, 0);
    }

    public void Dispose()
    {
        // From now on the numbers may be other files'.
        lock (_lock)
            _closed = true;
        _epoll.Dispose();
        foreach (SafeDescriptor descriptor in _owned)
            descriptor.Dispose();
    }
}
