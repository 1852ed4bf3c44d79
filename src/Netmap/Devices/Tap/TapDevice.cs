using System.Text;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices.Tap;

/// <summary>
/// The wire side of a TAP interface (the kernel's Documentation/networking/tuntap.rst): what the host sends on it is
/// received here, what is sent here the host receives. The interface goes with the descriptor unless it was there before.
/// The kernel offers one call a frame and no more.
/// </summary>
internal sealed unsafe class TapDevice : IDevice
{
    private readonly string _port;
    private readonly SafeDescriptor _control;
    private readonly SafeDescriptor _descriptor;
    private readonly int _index;
    private TapQueue? _queue;
    private IDeviceEvents? _events;
    private volatile LinkState _link = LinkState.Up;

    /// <summary>Makes or attaches the interface, in the calling thread's namespace, and brings it up.</summary>
    /// <exception cref="NetmapException">ENOENT no TAP support, EPERM, EBUSY somebody else is its wire, EINVAL no TAP interface.</exception>
    public TapDevice(string port, string tap)
    {
        _port = port;
        _control = InterfaceQuery.OpenSocket();
        SysResult fd = Fcntl.open("/dev/net/tun", Fcntl.O_RDWR | Fcntl.O_NONBLOCK | Fcntl.O_CLOEXEC);
        _descriptor = new SafeDescriptor(fd.IsError ? -1 : fd.Int32);
        try
        {
            Check(fd, "/dev/net/tun cannot be opened; it needs the tun driver and CAP_NET_ADMIN");
            ifreq request = new() { ifr_flags = LinuxIfTun.IFF_TAP | LinuxIfTun.IFF_NO_PI };
            Encoding.UTF8.GetBytes(tap, new Span<byte>(request.ifr_name, LinuxIf.IFNAMSIZ - 1));
            Check(SysIoctl.ioctl(_descriptor.Fd, LinuxIfTun.TUNSETIFF, &request), "the kernel refused the TAP interface of that name");
            using NetworkNamespace here = NetworkNamespace.Current();
            here.SetUp(tap);
            SysResult index = InterfaceQuery.Index(_control.Fd, tap);
            Check(index, "the interface went while it was opened");
            _index = index.Int32;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public LinkState Link => _link;

    public DeviceInfo Describe()
    {
        string name = InterfaceQuery.Name(_control.Fd, _index)
            ?? throw new NetmapException(Errno.ENXIO, "ask", _port, "the interface is gone");
        byte[] mac = InterfaceQuery.Mac(_control.Fd, name);
        // The wire needs an address of its own beside the interface's: locally administered, for one station, and one bit apart.
        mac[0] = (byte)(((mac[0] ^ 0x04) | 0x02) & ~0x01);
        return new()
        {
            Name = name,
            InterfaceIndex = _index,
            Mechanism = "tap",
            Mode = $"owns the wire side of TAP interface {name}; one system call a frame",
            TakesFromHost = true,
            Driver = EthtoolQuery.Driver(_control.Fd, name),
            Mtu = (int)InterfaceQuery.Mtu(_control.Fd, name).Value,
            MacAddress = mac,
            TxQueues = 1,
            RxQueues = 1,
            Link = CheckLink(),
        };
    }

    public void Start(DeviceSetup setup)
    {
        int mtu = Describe().Mtu;
        _events = setup.Events;
        _queue = new TapQueue(this, _descriptor.Fd, setup, mtu);
    }

    public void Stop()
    {
        _events = null;
        _queue?.Dispose();
        _queue = null;
    }

    /// <summary>The one ring is on or the port is closed: nothing goes past us to a host.</summary>
    public void SetReceiveRings(ReadOnlySpan<bool> on)
    {
        // Frames that nobody has open are read and freed by the adapter.
    }

    public void CloseReceiveRings(ReadOnlySpan<bool> on) => SetReceiveRings(on);

    public void RefreshCounters()
    {
        // The kernel keeps no drop counter on this side of a TAP.
    }

    public ITxQueue TxQueue(int index) => _queue!;

    public IRxQueue RxQueue(int index) => _queue!;

    public void Dispose()
    {
        Stop();
        _descriptor.Dispose();
        _control.Dispose();
    }

    /// <summary>Asks the kernel how the interface is; tells the adapter when that has changed.</summary>
    public LinkState CheckLink()
    {
        SysResult flags = InterfaceQuery.Flags(_control.Fd, _index);
        LinkState now = flags.IsError ? LinkState.Gone : (flags.Value & LinuxIf.IFF_UP) != 0 ? LinkState.Up : LinkState.Down;
        if (now == _link)
            return now;
        _link = now;
        _events?.LinkChanged(now);
        return now;
    }

    private void Check(SysResult result, string reason)
    {
        if (result.IsError)
            throw new NetmapException(result.Errno, "open", _port, reason);
    }
}
