using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>
/// An XDP socket (the kernel's Documentation/networking/af_xdp.rst): frames lie in memory shared with the kernel,
/// descriptors of frames to send and to fill go out through two rings, and come back through two others. Owns socket and
/// rings.
/// </summary>
internal sealed unsafe class XskSocket : IDisposable
{
    /// <summary>Frames a busy-polling call takes at most.</summary>
    private const int BusyPollBudget = 64;

    private const int QueueReleaseMilliseconds = 500;

    private readonly SafeDescriptor _socket;
    private SafeDescriptor? _readiness;
    private XskProducer<xdp_desc>? _tx;
    private XskConsumer<ulong>? _completions;
    private XskProducer<ulong>? _fill;
    private XskConsumer<xdp_desc>? _rx;

    private XskSocket(SafeDescriptor socket) => _socket = socket;

    public int Fd => _socket.Fd;

    /// <summary>
    /// What to sleep on for received frames: an epoll instance with the socket in it. Whoever slept on the socket itself would
    /// keep it open, and the kernel at work on frames, until he woke; the instance lets go of it when it is closed.
    /// </summary>
    public int Readiness => _readiness!.Fd;

    public XskProducer<xdp_desc> Tx => _tx!;

    public XskConsumer<ulong> Completions => _completions!;

    /// <summary>Only of a socket that receives.</summary>
    public XskProducer<ulong> Fill => _fill!;

    /// <summary>Only of a socket that receives.</summary>
    public XskConsumer<xdp_desc> Rx => _rx!;

    /// <summary>The driver reads and writes the frames itself.</summary>
    public bool IsZeroCopy { get; private set; }

    /// <summary>Makes a socket bound to a queue of an interface.</summary>
    /// <param name="setup">What for.</param>
    /// <param name="error">EBUSY another XDP socket has the queue; EPERM; ENOBUFS no memory may be pinned.</param>
    /// <param name="failed">Where.</param>
    public static XskSocket? TryOpen(XskSetup setup, out Errno error, out XskStep failed)
    {
        failed = XskStep.Socket;
        SysResult fd = SysSocket.socket(SysSocketXdp.AF_XDP, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        error = fd.Errno;
        if (fd.IsError)
            return null;
        XskSocket socket = new(new SafeDescriptor(fd.Int32));
        error = socket.SetUp(setup, ref failed);
        if (error == Errno.Success)
            return socket;
        socket.Dispose();
        return null;
    }

    /// <summary>Has the kernel send what was submitted; it takes a bounded number a call.</summary>
    public SysResult Kick() => SysSocket.sendto(Fd, null, 0, SysSocket.MSG_DONTWAIT, null, 0);

    /// <summary>
    /// Has the kernel look at the fill ring, and polls the queue where busy polling is on. ENXIO when the interface is
    /// gone for good, ENETDOWN while it is down.
    /// </summary>
    public SysResult KickReceive() => SysSocket.recv(Fd, null, 0, SysSocket.MSG_DONTWAIT);

    /// <summary>
    /// Receive and send calls work the driver's queue themselves, for up to this long, and interrupts stay off meanwhile
    /// where the driver defers them (napi_defer_hard_irqs, gro_flush_timeout).
    /// </summary>
    public Errno BusyPoll(TimeSpan time)
    {
        Errno error = SysSocket.setsockopt(Fd, SysSocket.SOL_SOCKET, SysSocket.SO_PREFER_BUSY_POLL, 1).Errno;
        error = error == Errno.Success
            ? SysSocket.setsockopt(Fd, SysSocket.SOL_SOCKET, SysSocket.SO_BUSY_POLL, (int)Math.Ceiling(time.TotalMicroseconds)).Errno : error;
        return error == Errno.Success
            ? SysSocket.setsockopt(Fd, SysSocket.SOL_SOCKET, SysSocket.SO_BUSY_POLL_BUDGET, BusyPollBudget).Errno : error;
    }

    /// <summary>The kernel knows the driver's queue behind the socket, which busy polling takes.</summary>
    public bool IsPollable
    {
        get
        {
            uint queue = 0;
            uint length = sizeof(uint);
            return !SysSocket.getsockopt(Fd, SysSocket.SOL_SOCKET, SysSocket.SO_INCOMING_NAPI_ID, &queue, &length).IsError && queue != 0;
        }
    }

    /// <summary>What the kernel counted since the socket was made.</summary>
    public xdp_statistics Statistics()
    {
        xdp_statistics statistics = default;
        uint length = (uint)sizeof(xdp_statistics);
        SysSocket.getsockopt(Fd, SysSocketXdp.SOL_XDP, LinuxIfXdp.XDP_STATISTICS, &statistics, &length);
        return statistics;
    }

    public void Dispose()
    {
        // The socket first: when close returns the kernel no longer reads or writes frames. Ours is the only reference to it.
        _socket.Dispose();
        _readiness?.Dispose();
        _tx?.Dispose();
        _completions?.Dispose();
        _fill?.Dispose();
        _rx?.Dispose();
    }

    private Errno SetUp(XskSetup setup, ref XskStep step)
    {
        step = XskStep.Memory;
        Errno error = setup.SharedWith is null ? Set(LinuxIfXdp.XDP_UMEM_REG, setup.Memory.Registration) : Errno.Success;
        if (error != Errno.Success)
            return error;
        step = XskStep.Rings;
        // The kernel wants a fill ring too where nothing is received.
        error = Set(LinuxIfXdp.XDP_UMEM_FILL_RING, Math.Max(setup.RxEntries, 1));
        error = error == Errno.Success ? Set(LinuxIfXdp.XDP_UMEM_COMPLETION_RING, setup.TxEntries) : error;
        error = error == Errno.Success ? Set(LinuxIfXdp.XDP_TX_RING, setup.TxEntries) : error;
        error = error == Errno.Success && setup.RxEntries > 0 ? Set(LinuxIfXdp.XDP_RX_RING, setup.RxEntries) : error;
        // Frames a call: 32 on kernels that do not know the option.
        Set(LinuxIfXdp.XDP_MAX_TX_SKB_BUDGET, setup.TxEntries);
        error = error == Errno.Success ? MapRings(setup) : error;
        if (error != Errno.Success)
            return error;
        step = XskStep.Bind;
        error = BindPatiently(setup);
        return error == Errno.Success ? Watch(ref step) : error;
    }

    private Errno Watch(ref XskStep step)
    {
        step = XskStep.Socket;
        SysResult made = SysEpoll.epoll_create1(SysEpoll.EPOLL_CLOEXEC);
        if (made.IsError)
            return made.Errno;
        _readiness = new SafeDescriptor(made.Int32);
        epoll_event readable = new() { events = SysEpoll.EPOLLIN };
        return SysEpoll.epoll_ctl(_readiness.Fd, SysEpoll.EPOLL_CTL_ADD, Fd, &readable).Errno;
    }

    /// <summary>
    /// The kernel frees the queue of a socket that was closed a moment ago from a work queue: a reopened port would find it
    /// busy.
    /// </summary>
    private Errno BindPatiently(XskSetup setup)
    {
        long started = Environment.TickCount64;
        Errno error;
        while ((error = Bind(setup)) == Errno.EBUSY && Environment.TickCount64 - started < QueueReleaseMilliseconds)
            Thread.Sleep(2);
        return error;
    }

    private Errno MapRings(XskSetup setup)
    {
        xdp_mmap_offsets offsets;
        uint length = (uint)sizeof(xdp_mmap_offsets);
        Errno error = SysSocket.getsockopt(Fd, SysSocketXdp.SOL_XDP, LinuxIfXdp.XDP_MMAP_OFFSETS, &offsets, &length).Errno;
        if (error != Errno.Success)
            return error;
        _tx = XskProducer<xdp_desc>.TryMap(Fd, LinuxIfXdp.XDP_PGOFF_TX_RING, offsets.tx, setup.TxEntries, out error);
        if (_tx is not null)
            _completions = XskConsumer<ulong>.TryMap(Fd, LinuxIfXdp.XDP_UMEM_PGOFF_COMPLETION_RING, offsets.cr, setup.TxEntries, out error);
        if (_completions is null || setup.RxEntries == 0)
            return error;
        _fill = XskProducer<ulong>.TryMap(Fd, LinuxIfXdp.XDP_UMEM_PGOFF_FILL_RING, offsets.fr, setup.RxEntries, out error);
        if (_fill is not null)
            _rx = XskConsumer<xdp_desc>.TryMap(Fd, LinuxIfXdp.XDP_PGOFF_RX_RING, offsets.rx, setup.RxEntries, out error);
        return error;
    }

    private Errno Bind(XskSetup setup)
    {
        sockaddr_xdp address = new()
        {
            sxdp_family = SysSocketXdp.AF_XDP,
            sxdp_flags = setup.SharedWith is null ? setup.Flags : LinuxIfXdp.XDP_SHARED_UMEM,
            sxdp_ifindex = (uint)setup.InterfaceIndex,
            sxdp_queue_id = (uint)setup.Queue,
            sxdp_shared_umem_fd = (uint)(setup.SharedWith?.Fd ?? 0),
        };
        Errno error = SysSocket.bind(Fd, &address, (uint)sizeof(sockaddr_xdp)).Errno;
        xdp_options options = default;
        uint length = (uint)sizeof(xdp_options);
        IsZeroCopy = error == Errno.Success
            && !SysSocket.getsockopt(Fd, SysSocketXdp.SOL_XDP, LinuxIfXdp.XDP_OPTIONS, &options, &length).IsError
            && (options.flags & LinuxIfXdp.XDP_OPTIONS_ZEROCOPY) != 0;
        return error;
    }

    private Errno Set<T>(int option, in T value)
        where T : unmanaged
    {
        fixed (T* address = &value)
            return SysSocket.setsockopt(Fd, SysSocketXdp.SOL_XDP, option, address, (uint)sizeof(T)).Errno;
    }
}
