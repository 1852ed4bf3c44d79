using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices;

/// <summary>
/// A kernel interface as devices see it: known by its index, so a rename does not matter; asked from the system when
/// something looks wrong, not for each frame.
/// </summary>
internal sealed class KernelInterface : IDisposable
{
    private readonly SafeDescriptor _control;
    private readonly NetlinkSocket _netlink;
    private readonly Lock _lock = new();
    private volatile LinkState _link = LinkState.Up;
    private volatile int _longestFrame;
    private long _mtuAsked;

    /// <summary>Finds the interface of this name in the calling thread's network namespace.</summary>
    /// <exception cref="NetmapException">ENXIO.</exception>
    public KernelInterface(string name)
    {
        Name = name;
        _control = InterfaceQuery.OpenSocket();
        try
        {
            SysResult index = InterfaceQuery.Index(_control.Fd, name);
            if (index.IsError)
                throw new NetmapException(Errno.ENXIO, "open", name, "no such interface");
            Index = index.Int32;
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

    public int Index { get; }

    /// <summary>As last seen.</summary>
    public LinkState Link => _link;

    /// <summary>Bytes of the longest untagged frame the interface sends, by its MTU when last asked.</summary>
    public int LongestFrame => _longestFrame;

    /// <summary>The other end is there: without it the kernel drops what is sent.</summary>
    public bool HasCarrier => EthtoolQuery.HasCarrier(_control.Fd, Index);

    /// <summary>Asks afresh; mechanism and mode are for the device to fill in.</summary>
    /// <exception cref="NetmapException">ENXIO gone.</exception>
    public DeviceInfo Describe()
    {
        string name = InterfaceQuery.Name(_control.Fd, Index)
            ?? throw new NetmapException(Errno.ENXIO, "ask", Name, "the interface is gone");
        (int txSlots, int rxSlots) = EthtoolQuery.RingSizes(_control.Fd, name);
        (int tx, int rx) = EthtoolQuery.Channels(_control.Fd, name);
        LinkDetails details = LinkDetails.Ask(_netlink, Index, name);
        SysResult flags = InterfaceQuery.Flags(_control.Fd, name);
        return new()
        {
            Name = name,
            InterfaceIndex = Index,
            Mechanism = "",
            Mode = "",
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

    /// <summary>What rtnetlink tells about it.</summary>
    public LinkDetails Details(string name) => LinkDetails.Ask(_netlink, Index, name);

    /// <summary>
    /// What generic XDP does not show of received frames, because the kernel keeps it beside them; null where frames are whole. A
    /// driver's offloads tell, but only of interfaces that have one: what comes to others has been in the host's stack, which
    /// takes tags out and leaves checksums for later.
    /// </summary>
    public string? BesideFrames()
    {
        LinkDetails details = Details(Name);
        if (details.Kind.Length > 0 || details.Lower != 0)
            return $"VLAN tags and unfinished checksums beside the frames of {(details.Kind.Length > 0 ? $"a {details.Kind} interface" : "an interface on top of another")}";
        string name = InterfaceQuery.Name(_control.Fd, Index) ?? Name;
        return EthtoolQuery.TagOffloads(_control.Fd, name) switch
        {
            null => "VLAN tags, if the driver takes them out of frames, which the kernel does not tell",
            { Count: 0 } => null,
            { } on => $"VLAN tags that the driver takes out of frames (ethtool -K {name} {string.Join(" off ", on)} off)",
        };
    }

    /// <summary>
    /// Before a device starts on it: it must be nobody else's; remembers its MTU, and whether it is up. One that is down has
    /// frames when it comes up.
    /// </summary>
    /// <exception cref="NetmapException">EBUSY, ENXIO.</exception>
    public DeviceInfo Prepare()
    {
        DeviceInfo info = Describe();
        if (Details(info.Name).Master != 0)
            throw new NetmapException(Errno.EBUSY, "open", Name, "the interface belongs to a bridge or bond; take it out, or open that instead");
        _longestFrame = info.Mtu + LinuxIfEther.ETH_HLEN;
        _link = info.Link;
        return info;
    }

    /// <summary>Asks how the link is: Success, ENETDOWN or ENXIO.</summary>
    /// <param name="isBound">The device's sockets still belong to the interface; false means it is gone for good.</param>
    /// <param name="changed">Called when that is news.</param>
    public Errno LinkError(bool isBound, Action<LinkState>? changed)
    {
        LinkState now = isBound && _link != LinkState.Gone ? Ask() : LinkState.Gone;
        bool news;
        lock (_lock)
        {
            // An interface that is gone stays gone: the sockets do not follow its index to another one.
            now = _link == LinkState.Gone ? LinkState.Gone : now;
            news = now != _link;
            _link = now;
        }
        if (news)
            changed?.Invoke(now);
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
            if (InterfaceQuery.Mtu(_control.Fd, Index) is { IsError: false } mtu)
                _longestFrame = mtu.Int32 + LinuxIfEther.ETH_HLEN;
        }
        return untaggedLength <= _longestFrame;
    }

    public void Dispose()
    {
        _netlink.Dispose();
        _control.Dispose();
    }

    private LinkState Ask()
    {
        SysResult flags = InterfaceQuery.Flags(_control.Fd, Index);
        return flags.IsError ? LinkState.Gone : (flags.Value & LinuxIf.IFF_UP) != 0 ? LinkState.Up : LinkState.Down;
    }
}
