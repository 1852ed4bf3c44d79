using Netmap.Interop;

namespace Netmap.Server;

/// <summary>Something with a descriptor that an <see cref="EventLoop"/> waits for.</summary>
internal interface IEndpoint
{
    int Descriptor { get; }

    /// <summary>The descriptor is readable, or its other end is gone.</summary>
    void Ready();
}

/// <summary>epoll(7) over endpoints. One thread waits; adding and removing happens on it, or before it runs.</summary>
internal sealed unsafe class EventLoop : IDisposable
{
    private readonly Dictionary<int, IEndpoint> _endpoints = [];
    private readonly SafeDescriptor _epoll;

    /// <exception cref="NetmapException">EMFILE.</exception>
    public EventLoop()
    {
        SysResult made = SysEpoll.epoll_create1(SysEpoll.EPOLL_CLOEXEC);
        if (made.IsError)
            throw new NetmapException(made.Errno, "serve", null, "no descriptor for epoll; raise `ulimit -n`");
        _epoll = new SafeDescriptor(made.Int32);
    }

    public int Descriptor => _epoll.Fd;

    /// <param name="endpoint">What to wait for.</param>
    /// <param name="edge">Report each arrival once, whether or not anybody reads.</param>
    public void Add(IEndpoint endpoint, bool edge = false)
    {
        _endpoints[endpoint.Descriptor] = endpoint;
        epoll_event what = new() { events = SysEpoll.EPOLLIN | (edge ? SysEpoll.EPOLLET : 0), data = (ulong)endpoint.Descriptor };
        SysEpoll.epoll_ctl(_epoll.Fd, SysEpoll.EPOLL_CTL_ADD, endpoint.Descriptor, &what);
    }

    public void Remove(IEndpoint endpoint)
    {
        if (_endpoints.Remove(endpoint.Descriptor))
            SysEpoll.epoll_ctl(_epoll.Fd, SysEpoll.EPOLL_CTL_DEL, endpoint.Descriptor, null);
    }

    /// <summary>Waits, and lets each endpoint that has news see to it.</summary>
    /// <param name="milliseconds">-1 for ever, 0 to only look.</param>
    public void Turn(int milliseconds)
    {
        epoll_event* events = stackalloc epoll_event[32];
        SysResult count = SysEpoll.epoll_wait(_epoll.Fd, events, 32, milliseconds);
        for (int i = 0; i < count.Int32; i++)
        {
            // An endpoint may have removed another one that is further down the list.
            if (_endpoints.TryGetValue((int)events[i].data, out IEndpoint? endpoint))
                endpoint.Ready();
        }
    }

    public void Dispose() => _epoll.Dispose();
}
