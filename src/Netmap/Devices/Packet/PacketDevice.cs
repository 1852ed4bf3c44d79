using Netmap.Bpf;
using Netmap.Bpf.Filters;
using Netmap.Devices.Host;
using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>
/// An ordinary kernel interface through packet sockets: one mapped receive ring for each RX ring, one socket for each TX
/// ring, and an eBPF program that keeps received frames from the host.
/// </summary>
internal sealed class PacketDevice : IDevice, IHostInterface
{
    private readonly KernelInterface _interface;
    private readonly Action<LinkState> _linkChanged;
    private readonly KernelHost _host;
    private ITxQueue[] _tx = [];
    private PacketRxQueue[] _rx = [];
    private HostCapture? _capture;
    private Errno _captureRefused;
    private Errno _xskRefused;
    private bool _vnetHeaders;
    private FrameFilter? _filter;
    private sock_filter[] _wanted = [];
    private IDeviceEvents? _events;

    /// <summary>Opens the interface of this name in the calling thread's network namespace; nothing is received yet.</summary>
    /// <exception cref="NetmapException">ENXIO.</exception>
    public PacketDevice(string name)
    {
        _interface = new(name);
        _linkChanged = state => _events?.LinkChanged(state);
        _host = new KernelHost(this, clearsMarks: true);
    }

    /// <summary>The name it was opened by.</summary>
    public string Name => _interface.Name;

    public int InterfaceIndex => _interface.Index;

    public HostPrefix? Prefix => null;

    public LinkState Link => _interface.Link;

    public IHostSide Host => _host;

    /// <summary>Of frames that are meant for the host.</summary>
    public uint HostMark => _host.Mark;

    public bool HasVnetHeaders => true;

    public bool CanFilter => true;

    /// <inheritdoc cref="KernelInterface.LongestFrame"/>
    public int LongestFrame => _interface.LongestFrame;

    /// <inheritdoc cref="KernelInterface.HasCarrier"/>
    public bool HasCarrier => _interface.HasCarrier;

    public DeviceInfo Describe() => _interface.Describe() with
    {
        Mechanism = "packet",
        Mode = Mode(),
        TakesFromHost = _capture is not null,
        Queues = [.. Queues()],
        Programs = [.. new PortProgram?[] { _capture?.Describe() }.OfType<PortProgram>(), .. _host.Programs],
    };

    public void Start(DeviceSetup setup)
    {
        DeviceInfo info = _interface.Prepare();
        _xskRefused = Errno.Success;
        _vnetHeaders = false;
        _filter = setup.Filter;
        _wanted = SocketFilter.Assemble(_host.Mark, setup.Filter, Name);
        List<ITxQueue> tx = [];
        List<PacketRxQueue> rx = [];
        try
        {
            for (int i = 0; i < setup.TxRings; i++)
                tx.Add(OpenTx(setup, i));
            for (int i = 0; i < setup.RxRings; i++)
                rx.Add(new PacketRxQueue(this, setup, i, info.Mtu));
            (_tx, _rx, _events) = ([.. tx], [.. rx], setup.Events);
            foreach (PacketRxQueue queue in rx)
            {
                // Deaf until all have joined the fanout group: before that each would receive every frame.
                queue.Socket.Filter(SocketFilter.None());
                queue.Socket.Bind(InterfaceIndex, LinuxIfEther.ETH_P_ALL);
            }
            if (rx.Count > 1)
                Deal(rx, info);
            rx.ForEach(queue => queue.Socket.Filter(_wanted));
            Capture([.. Enumerable.Repeat(true, setup.RxRings)]);
        }
        catch
        {
            tx.ForEach(queue => ((IDisposable)queue).Dispose());
            rx.ForEach(queue => queue.Dispose());
            (_tx, _rx, _events) = ([], [], null);
            throw;
        }
    }

    public void Stop()
    {
        _events = null;
        _capture?.Dispose();
        _capture = null;
        foreach (PacketRxQueue queue in _rx)
        {
            queue.RefreshCounters();
            queue.Dispose();
        }
        foreach (ITxQueue queue in _tx)
            ((IDisposable)queue).Dispose();
        (_tx, _rx) = ([], []);
    }

    public void SetReceiveRings(ReadOnlySpan<bool> on)
    {
        for (int i = 0; i < _rx.Length; i++)
            _rx[i].Socket.Filter(on[i] ? _wanted : SocketFilter.None());
        if (_capture is null)
            Capture(on);
        else if (_capture.SetRings(on) is var refused and not Errno.Success)
            throw new NetmapException(refused, "open", Name, "the kernel refused the new ring set of the capture program");
    }

    public void CloseReceiveRings(ReadOnlySpan<bool> on)
    {
        for (int i = 0; i < _rx.Length; i++)
        {
            // Refused for want of memory, the socket's ring fills up with what nobody reads, and that is all.
            _rx[i].Socket.TryFilter(on[i] ? _wanted : SocketFilter.None());
        }
        if (_capture?.SetRings(on) is not { } refused || refused == Errno.Success)
            return;
        // It would go on taking frames from the host that nobody reads.
        _capture.Dispose();
        (_capture, _captureRefused) = (null, refused);
    }

    public void RefreshCounters()
    {
        foreach (PacketRxQueue queue in _rx)
            queue.RefreshCounters();
    }

    public ITxQueue TxQueue(int index) => _tx[index];

    public IRxQueue RxQueue(int index) => _rx[index];

    public void Dispose()
    {
        Stop();
        _interface.Dispose();
    }

    /// <summary>Takes a socket's pending error, and while there was one or the link is down asks how it is now.</summary>
    public Errno CheckLink(PacketSocket socket, Errno seen = Errno.Success)
    {
        Errno pending = socket.TakeError();
        return seen == Errno.Success && pending == Errno.Success && Link == LinkState.Up ? Errno.Success : LinkError();
    }

    /// <summary>Asks how the link is, and tells the adapter when that has changed: Success, ENETDOWN or ENXIO.</summary>
    public Errno LinkError()
    {
        PacketRxQueue[] rx = _rx;
        return _interface.LinkError(rx.Length == 0 || rx[0].Socket.IsBoundTo(InterfaceIndex), _linkChanged);
    }

    /// <inheritdoc cref="KernelInterface.MaySend"/>
    public bool MaySend(int untaggedLength) => _interface.MaySend(untaggedLength);

    /// <summary>Each ring gets the frames of its own queues.</summary>
    /// <exception cref="NetmapException">ENETDOWN before 6.13, where sockets are joined on interfaces that are up alone.</exception>
    private void Deal(List<PacketRxQueue> rx, DeviceInfo info)
    {
        try
        {
            PacketFanout.Join([.. rx.Select(queue => queue.Socket)]);
        }
        catch (NetmapException refused) when (refused.Errno == Errno.EINVAL && info.Link != LinkState.Up)
        {
            throw new NetmapException(Errno.ENETDOWN, "open", Name,
                $"the interface is down, and this kernel deals several rings their frames only on one that is up: ip link set {info.Name} up");
        }
    }

    private IEnumerable<PortQueue> Queues()
    {
        foreach ((int i, ITxQueue queue) in _tx.Index())
        {
            yield return queue is XskTxQueue xsk
                ? new() { Direction = "tx", Ring = i, Queue = i, Socket = SocketInode.Of(xsk.Descriptor), Mode = "XDP, copy" }
                : new() { Direction = "tx", Ring = i, Queue = null, Socket = SocketInode.Of(((PacketTxQueue)queue).Descriptor), Mode = "packet" };
        }
        foreach ((int i, PacketRxQueue queue) in _rx.Index())
        {
            // Several are dealt frames by their queue modulo the rings.
            yield return new() { Direction = "rx", Ring = i, Queue = null, Socket = SocketInode.Of(queue.Socket.Fd), Mode = "packet" };
        }
    }

    private string Mode() => _events is null ? "not open" : Ways() + (_host.Limits is { } limits ? $"; {limits}" : "")
        + ((_capture?.Late ?? _host.Late) is { } late ? $"; {late}" : "");

    private string Ways() =>
        _vnetHeaders ? Receiving() + ", sends through packet sockets; super-frames and unfinished checksums are kept both ways"
        : Receiving() + (_xskRefused == Errno.Success ? ", sends through XDP sockets (copy mode)"
            : $", sends through packet sockets (XDP sockets refused: {_xskRefused})");

    private string Receiving() => (_capture, _filter) switch
    {
        (not null, null) => "packet rings; received frames are taken from the host (tcx ingress)",
        (not null, { } filter) => $"packet rings; takes from the host (tcx ingress) only: {filter.Words}",
        (null, null) => $"packet rings beside the host: its stack sees the frames too (bpf refused: {_captureRefused})",
        (null, { } filter) => $"packet rings beside the host, for the port only: {filter.Words}; the host's stack sees these frames too (bpf refused: {_captureRefused})",
    };

    /// <summary>XDP sockets where the kernel has them and buffers fit a page, else packet sockets.</summary>
    private ITxQueue OpenTx(DeviceSetup setup, int index)
    {
        // An XDP socket knows nothing of what is left to do.
        if (setup.VnetHeaders)
        {
            _vnetHeaders = true;
            return new PacketTxQueue(this, setup, index);
        }
        ITxQueue? queue = XskTxQueue.TryOpen(this, setup, index, out Errno refused);
        // One ring on packet sockets is worth telling, whatever the others got.
        _xskRefused = refused == Errno.Success ? _xskRefused : refused;
        return queue ?? new PacketTxQueue(this, setup, index);
    }

    /// <summary>Takes frames from the host where the kernel lets us; else the port runs beside it and says so.</summary>
    private void Capture(ReadOnlySpan<bool> rings) =>
        _capture = HostCapture.TryStart(InterfaceIndex, rings, _host.Mark, out _captureRefused, _filter);
}
