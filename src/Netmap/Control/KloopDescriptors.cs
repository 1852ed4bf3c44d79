using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// The eventfds of a sync loop (spec 10): the program rings one of each ring, and is told by the other. They may be another
/// process's: what it rings is watched edge-triggered and never read.
/// </summary>
internal sealed unsafe class KloopDescriptors : IDisposable
{
    private readonly SafeDescriptor _epoll;
    private readonly int[] _tell;
    private readonly IReadOnlyList<SafeDescriptor> _owned;

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

    /// <summary>Tells the program that a ring's tail has moved.</summary>
    public void Notify(int ring)
    {
        int fd = _tell[ring];
        ulong one = 1;
        if (fd >= 0)
            Unistd.write(fd, &one, sizeof(ulong));
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
        _epoll.Dispose();
        foreach (SafeDescriptor descriptor in _owned)
            descriptor.Dispose();
    }
}
