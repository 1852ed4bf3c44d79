using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices.Packet;

/// <summary>
/// An ordinary kernel interface through packet sockets: one mapped receive ring for each RX ring, one socket for each TX
/// ring, and an eBPF program that keeps received frames from the host. The interface is known by its index, so a rename
/// does not matter.
/// </summary>
internal sealed class PacketDevice : IDevice
{
    private readonly SafeDescriptor _control;
    private readonly NetlinkSocket _netlink;
    private readonly Lock _lock = new();
    private ITxQueue[] _tx = [];
    private PacketRxQueue[] _rx = [];
    private HostCapture? _capture;
    private Errno _captureRefused;
    private Errno _xskRefused;
    private bool _vnetHeaders;
    private IDeviceEvents? _events;
    private volatile LinkState _link = LinkState.Up;
    private volatile int _longestFrame;
    private long _mtuAsked;

    /// <summary>Opens the interface of this name in the calling thread's network namespace; nothing is received yet.</summary>
    /// <exception cref="NetmapException">ENXIO.</exception>
    public PacketDevice(string name)
    {
        Name = name;
        _control = InterfaceQuery.OpenSocket();
        try
        {
            SysResult index = InterfaceQuery.Index(_control.Fd, name);
            if (index.IsError)
                throw new NetmapException(Errno.ENXIO, "open", name, "no such interface");
            InterfaceIndex = index.Int32;
            _netlink = new NetlinkSocket();
        }
        catch
        {
            _control.Dispose();
            throw;
        }
    }

    /// <summary>The name it was opened by.</summary>
    public string Name { get; }

    public int InterfaceIndex { get; }

    public LinkState Link => _link;

    public bool HasVnetHeaders => true;

    /// <summary>Bytes of the longest untagged frame the interface sends, by its MTU when last asked.</summary>
    public int LongestFrame => _longestFrame;

    /// <summary>The other end is there: without it the kernel drops what is sent.</summary>
    public bool HasCarrier => InterfaceQuery.Name(_control.Fd, InterfaceIndex) is { } name
        && EthtoolQuery.HasCarrier(_control.Fd, name);

    public DeviceInfo Describe()
    {
        string name = InterfaceQuery.Name(_control.Fd, InterfaceIndex) ?? throw Gone();
        (int txSlots, int rxSlots) = EthtoolQuery.RingSizes(_control.Fd, name);
        (int tx, int rx) = EthtoolQuery.Channels(_control.Fd, name);
        LinkDetails details = LinkDetails.Ask(_netlink, InterfaceIndex, name);
        SysResult flags = InterfaceQuery.Flags(_control.Fd, name);
        return new()
        {
            Name = name,
            InterfaceIndex = InterfaceIndex,
            Mechanism = "packet",
            Mode = Mode(),
            TakesFromHost = _capture is not null,
            Driver = EthtoolQuery.Driver(_control.Fd, name),
            Mtu = (int)InterfaceQuery.Mtu(_control.Fd, name).Value,
            MacAddress = InterfaceQuery.Mac(_control.Fd, name),
            TxQueues = tx > 0 ? tx : details.TxQueues,
            RxQueues = rx > 0 ? rx : details.RxQueues,
            TxSlots = txSlots,
            RxSlots = rxSlots,
            Link = !flags.IsError && (flags.Value & LinuxIf.IFF_UP) != 0 ? LinkState.Up : LinkState.Down,
        };
    }

    public void Start(DeviceSetup setup)
    {
        DeviceInfo info = Describe();
        if (info.Link != LinkState.Up)
            throw new NetmapException(Errno.ENETDOWN, "open", Name, $"the interface is down; bring it up first: ip link set {info.Name} up");
        if (LinkDetails.Ask(_netlink, InterfaceIndex, info.Name).Master != 0)
            throw new NetmapException(Errno.EBUSY, "open", Name, "the interface belongs to a bridge or bond; take it out, or open that instead");
        _longestFrame = info.Mtu + LinuxIfEther.ETH_HLEN;
        _xskRefused = Errno.Success;
        _vnetHeaders = false;
        List<ITxQueue> tx = [];
        List<PacketRxQueue> rx = [];
        try
        {
            for (int i = 0; i < setup.TxRings; i++)
                tx.Add(OpenTx(setup, i));
            for (int i = 0; i < setup.RxRings; i++)
                rx.Add(new PacketRxQueue(this, setup, i, info.Mtu));
            (_tx, _rx, _events, _link) = ([.. tx], [.. rx], setup.Events, LinkState.Up);
            foreach (PacketRxQueue queue in rx)
            {
                // Deaf until all have joined the fanout group: before that each would receive every frame.
                queue.Socket.Filter(pass: false);
                queue.Socket.Bind(InterfaceIndex, LinuxIfEther.ETH_P_ALL);
            }
            if (rx.Count > 1)
                PacketFanout.Join([.. rx.Select(queue => queue.Socket)]);
            rx.ForEach(queue => queue.Socket.Filter(pass: true));
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
            _rx[i].Socket.Filter(pass: on[i]);
        if (_capture?.SetRings(on) is { } refused and not Errno.Success)
            throw new NetmapException(refused, "open", Name, "the kernel refused the new ring set of the capture program");
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
        _netlink.Dispose();
        _control.Dispose();
    }

    /// <summary>Takes a socket's pending error, and while there was one or the link is down asks how it is now.</summary>
    public Errno CheckLink(PacketSocket socket, Errno seen = Errno.Success)
    {
        Errno pending = socket.TakeError();
        return seen == Errno.Success && pending == Errno.Success && _link == LinkState.Up ? Errno.Success : LinkError();
    }

    /// <summary>Asks how the link is, and tells the adapter when that has changed: Success, ENETDOWN or ENXIO.</summary>
    public Errno LinkError()
    {
        LinkState now = AskLink();
        bool changed;
        lock (_lock)
        {
            now = _link == LinkState.Gone ? LinkState.Gone : now;
            changed = now != _link;
            _link = now;
        }
        if (changed)
            _events?.LinkChanged(now);
        return now switch
        {
            LinkState.Up => Errno.Success,
            LinkState.Down => Errno.ENETDOWN,
            _ => Errno.ENXIO,
        };
    }

    /// <summary>
    /// For a frame that looks too long: the MTU may have been raised since. Asks at most ten times a second, since a program
    /// may offer such frames without end.
    /// </summary>
    public bool MaySend(int untaggedLength)
    {
        long now = Environment.TickCount64;
        if (untaggedLength > _longestFrame && now - Volatile.Read(ref _mtuAsked) >= 100)
        {
            Volatile.Write(ref _mtuAsked, now);
            if (InterfaceQuery.Name(_control.Fd, InterfaceIndex) is { } name
                && InterfaceQuery.Mtu(_control.Fd, name) is { IsError: false } mtu)
                _longestFrame = mtu.Int32 + LinuxIfEther.ETH_HLEN;
        }
        return untaggedLength <= _longestFrame;
    }

    /// <summary>An interface that is gone stays gone: the sockets do not follow its index to another one.</summary>
    private LinkState AskLink()
    {
        PacketRxQueue[] rx = _rx;
        if (_link == LinkState.Gone || (rx.Length > 0 && !rx[0].Socket.IsBoundTo(InterfaceIndex))
            || InterfaceQuery.Name(_control.Fd, InterfaceIndex) is not { } name)
            return LinkState.Gone;
        return (InterfaceQuery.Flags(_control.Fd, name).Value & LinuxIf.IFF_UP) != 0 ? LinkState.Up : LinkState.Down;
    }

    private string Mode() =>
        _events is null ? "not open"
        : _vnetHeaders ? Receiving() + ", sends through packet sockets; super-frames and unfinished checksums are kept both ways"
        : Receiving() + (_xskRefused == Errno.Success ? ", sends through XDP sockets (copy mode)"
            : $", sends through packet sockets (XDP sockets refused: {_xskRefused})");

    private string Receiving() => _capture is not null
        ? "packet rings; received frames are taken from the host (tcx ingress)"
        : $"packet rings beside the host: its stack sees the frames too (bpf refused: {_captureRefused})";

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
        _capture = HostCapture.TryStart(InterfaceIndex, rings, out _captureRefused);

    private NetmapException Gone() => new(Errno.ENXIO, "ask", Name, "the interface is gone");
}
