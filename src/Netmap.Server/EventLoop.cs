using System.Diagnostics;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>Something with a descriptor that an <see cref="EventLoop"/> waits for.</summary>
internal interface IEndpoint
{
    int Descriptor { get; }

    /// <summary>The descriptor is readable, or its other end is gone.</summary>
    void Ready();

    /// <summary><see cref="Ready"/> has thrown, which is a defect of ours: gives up what this endpoint stands for; the others go on.</summary>
    void Failed(Exception problem);
}

/// <summary>epoll(7) over endpoints. One thread waits; adding and removing happens on it, or before it runs.</summary>
internal sealed unsafe class EventLoop : IDisposable
{
    private readonly Dictionary<int, IEndpoint> _endpoints = [];
    private readonly SafeDescriptor _epoll;
    private long _since;

    /// <exception cref="NetmapException">EMFILE.</exception>
    public EventLoop()
    {
        SysResult made = SysEpoll.epoll_create1(SysEpoll.EPOLL_CLOEXEC);
        if (made.IsError)
            throw new NetmapException(made.Errno, "serve", null, "no descriptor for epoll; raise `ulimit -n`");
        _epoll = new SafeDescriptor(made.Int32);
    }

    public int Descriptor => _epoll.Fd;

    /// <summary>Some endpoint is seeing to its news. Any thread.</summary>
    public bool IsBusy => Volatile.Read(ref _since) != 0;

    /// <param name="endpoint">What to wait for.</param>
    /// <param name="edge">Report each arrival once, whether or not anybody reads.</param>
    /// <exception cref="NetmapException">ENOMEM, ENOSPC: it would never be heard of.</exception>
    public void Add(IEndpoint endpoint, bool edge = false)
    {
        epoll_event what = new() { events = SysEpoll.EPOLLIN | (edge ? SysEpoll.EPOLLET : 0), data = (ulong)endpoint.Descriptor };
        SysResult added = SysEpoll.epoll_ctl(_epoll.Fd, SysEpoll.EPOLL_CTL_ADD, endpoint.Descriptor, &what);
        if (added.IsError)
            throw new NetmapException(added.Errno, "serve", null,
                "the kernel watches no more descriptors for this server; raise fs.epoll.max_user_watches");
        _endpoints[endpoint.Descriptor] = endpoint;
    }

    public void Remove(IEndpoint endpoint)
    {
        if (_endpoints.TryGetValue(endpoint.Descriptor, out IEndpoint? present) && present == endpoint)
        {
            _endpoints.Remove(endpoint.Descriptor);
            SysEpoll.epoll_ctl(_epoll.Fd, SysEpoll.EPOLL_CTL_DEL, endpoint.Descriptor, null);
        }
    }

    /// <summary>Waits, and lets each endpoint that has news see to it.</summary>
    /// <param name="milliseconds">-1 for ever, 0 to only look.</param>
    /// <returns>Time that the endpoints took, in the clock's ticks.</returns>
    public long Turn(int milliseconds)
    {
        epoll_event* events = stackalloc epoll_event[32];
        SysResult count = SysEpoll.epoll_wait(_epoll.Fd, events, 32, milliseconds);
        if (count.Value <= 0)
            return 0;
        long began = Stopwatch.GetTimestamp();
        Volatile.Write(ref _since, began);
        for (int i = 0; i < count.Int32; i++)
        {
            // An endpoint may have removed another one that is further down the list.
            if (_endpoints.TryGetValue((int)events[i].data, out IEndpoint? endpoint))
                LetSee(endpoint);
        }
        Volatile.Write(ref _since, 0);
        return Stopwatch.GetTimestamp() - began;
    }

    public void Dispose() => _epoll.Dispose();

    private static void LetSee(IEndpoint endpoint)
    {
        try
        {
            endpoint.Ready();
        }
        catch (Exception problem)
        {
            Guard.Tell(endpoint.Failed, problem);
        }
    }
}
