using System.Numerics;
using Netmap.Bpf;
using Netmap.Devices.Host;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices.Xdp;

/// <summary>
/// A kernel interface whose frames the kernel reads from and writes to netmap's own buffers: an XDP socket for each queue
/// over the whole buffer pool, and an XDP program that hands received frames to them.
/// </summary>
internal sealed partial class XdpDevice : IHostInterface, IDisposable
{
    private const int TwoVlanTags = 8;

    private readonly KernelInterface _interface;
    private XdpSetup? _setup;
    private XdpQueue?[] _queues = [];
    private XskSetup? _socketSetup;
    private XdpCapture? _capture;
    private Errno _nativeRefused;
    private string? _whyPlain;
    private string? _whyCopy;
    private readonly HostPrefix _prefix = HostPrefix.Random();
    private int _longestExpected;

    /// <exception cref="NetmapException">ENXIO.</exception>
    public XdpDevice(string name)
    {
        _interface = new(name);
        Host = new KernelHost(this, clearsMarks: false);
    }

    public string Name => _interface.Name;

    public int InterfaceIndex => _interface.Index;

    /// <summary>The host's stack behind the interface.</summary>
    public IHostSide Host { get; }

    /// <summary>A program behind the driver sees every skb, those that turn round to the host too.</summary>
    public HostPrefix? Prefix => _capture is { Mode: XdpMode.Generic } ? _prefix : null;

    /// <summary>As last seen.</summary>
    public LinkState Link => _interface.Link;

    /// <inheritdoc cref="KernelInterface.LongestFrame"/>
    public int LongestFrame => _interface.LongestFrame;

    /// <summary>Where frames lie, while started.</summary>
    public UmemArea Memory { get; private set; }

    /// <summary>How buffers lie there.</summary>
    public UmemLayout Layout { get; private set; }

    /// <summary>Bytes of one slot that can be sent.</summary>
    public int SlotRoom => Memory.Unaligned ? Layout.BufferSize : Memory.FrameRoom;

    /// <summary>Frames over several buffers can be sent and received.</summary>
    public bool Scatters { get; private set; }

    /// <summary>The faster paths, while started; null where they are not wanted or not to be had.</summary>
    public Gears? Gears { get; private set; }

    /// <summary>Received frames come through the gears' mapped ring; else through XDP sockets.</summary>
    public bool ReceivesFast => Gears is not null && _capture is { Mode: XdpMode.Native };

    /// <summary>Receive calls work the driver's queue themselves.</summary>
    public bool BusyPolls => _setup is { } setup && setup.BusyPoll > TimeSpan.Zero;

    /// <inheritdoc cref="KernelInterface.HasCarrier"/>
    public bool HasCarrier => _interface.HasCarrier;

    /// <summary>What can be told without touching the interface: null if the native way seems open, else why not.</summary>
    /// <param name="bufferSize">Of netmap's buffers.</param>
    /// <param name="mayMissTags">As <see cref="XdpSetup.MayMissTags"/>.</param>
    public NativeRefusal? Trial(int bufferSize, bool mayMissTags)
    {
        if (!new UmemLayout(UmemArea.Headroom, 0, bufferSize).IsUsable)
            return BadBufferSize(bufferSize);
        SysResult fd = SysSocket.socket(SysSocketXdp.AF_XDP, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        if (fd.IsError)
            return NoSocket(fd.Errno);
        new SafeDescriptor(fd.Int32).Dispose();
        using BpfMap? map = BpfMap.TryCreate("netmap_trial", BpfMapSpec.XdpSockets(1), out Errno error);
        if (map is null)
            return new(error, BpfProgram.NoPrivilege);
        using XdpFeatures features = new(_interface.Index);
        return !mayMissTags && features is { IsTold: true, RunsPrograms: false } ? NotWhole(Errno.EOPNOTSUPP) : null;
    }

    /// <summary>Why not behind the driver; null if it can be, or somebody's program is there, which is an error of its own.</summary>
    private NativeRefusal? NotWhole(Errno refused) => ForeignProgram() is not null || _interface.BesideFrames() is not { } unseen ? null
        : new(refused, $"its driver runs no XDP program ({refused}), and generic XDP does not show {unseen}; AdapterMode.Native (admode 1) goes without");

    /// <summary>Takes the interface into netmap mode; no queue is open yet.</summary>
    /// <exception cref="NetmapException">EBUSY a bridge's, or another XDP program is there.</exception>
    /// <exception cref="NativeRefusal">Not natively here.</exception>
    public void Start(XdpSetup setup)
    {
        DeviceInfo info = _interface.Prepare();
        if (ForeignProgram() is { } foreign)
            throw Occupied(foreign);
        Layout = new(setup.Buffers, setup.PoolBytes, setup.BufferSize);
        if (!Layout.IsUsable)
            throw BadBufferSize(setup.BufferSize);
        _longestExpected = info.Mtu + LinuxIfEther.ETH_HLEN + TwoVlanTags;
        _whyCopy = WhyCopy();
        Memory = _whyCopy is null ? Layout.Direct!.Value : Layout.Copying;
        Frags = _longestExpected > Memory.FrameRoom;
        _socketSetup = new()
        {
            InterfaceIndex = _interface.Index,
            Queue = 0,
            Memory = Memory,
            TxEntries = BitOperations.RoundUpToPowerOf2((uint)setup.TxSlots),
            RxEntries = BitOperations.RoundUpToPowerOf2(setup.RxBuffers),
        };
        _setup = setup;
        _queues = new XdpQueue?[Math.Max(setup.RxQueues, setup.TxCounters.Length)];
        MayBePartial = info.Driver is "veth" or "tun" or "virtio_net";
        if (setup.Gear != NativeGear.Plain)
            StartGears(setup);
    }

    /// <summary>Frames may come from senders on this machine, with checksums left to hardware that is not there.</summary>
    public bool MayBePartial { get; private set; }

    /// <summary>Received frames need more than one buffer: the program says xdp.frags.</summary>
    public bool Frags { get; private set; }

    /// <summary>The queue, opened now if it was not.</summary>
    /// <exception cref="NativeRefusal">Another XDP socket has the queue, memory may not be locked, or the kernel refuses otherwise.</exception>
    public XdpQueue Open(int index)
    {
        if (_queues[index] is { } there)
            return there;
        XskSocket socket = OpenSocket(index);
        if (BusyPolls && socket.BusyPoll(_setup!.BusyPoll) is var refused and not Errno.Success)
        {
            socket.Dispose();
            throw new NativeRefusal(refused, $"the kernel refused busy polling on queue {index} (NativeBusyPoll)");
        }
        RingCounters? tx = index < _setup!.TxCounters.Length ? _setup.TxCounters[index] : null;
        // What a bell's socket loses are no frames.
        RingCounters? rx = !ReceivesFast && index < _setup.RxCounters.Length ? _setup.RxCounters[index] : null;
        return _queues[index] = new XdpQueue(socket, tx, rx);
    }

    /// <summary>The program is there before it takes anything: where it stands decides how frames turn round to the host.</summary>
    /// <exception cref="NetmapException">EBUSY; EPERM.</exception>
    /// <exception cref="NativeRefusal">No XDP program can be attached.</exception>
    public void WillTake() => _capture ??= Attach();

    /// <summary>From now on the program takes the queue's received frames, with its socket in reach.</summary>
    /// <exception cref="NetmapException">EBUSY; EPERM.</exception>
    /// <exception cref="NativeRefusal">No XDP program can be attached.</exception>
    public void Take(int index)
    {
        WillTake();
        Errno refused = _capture!.Take(index, Open(index).Socket.Fd);
        if (refused != Errno.Success)
            throw new NetmapException(refused, "open", Name, $"the kernel refused queue {index}'s socket in the XDP program's map");
    }

    /// <summary>From now on the queue's received frames go to the host.</summary>
    public void Leave(int index) => _capture?.Leave(index);

    public void RefreshCounters()
    {
        foreach (XdpQueue? queue in _queues)
            queue?.RefreshCounters();
    }

    /// <summary>Asks how the link is, and tells when that has changed: Success, ENETDOWN or ENXIO.</summary>
    public Errno LinkError() => _interface.LinkError(IsBound(), _setup?.LinkChanged);

    /// <inheritdoc cref="KernelInterface.MaySend"/>
    public bool MaySend(int untaggedLength) => _interface.MaySend(untaggedLength);

    /// <summary>Gives the interface back; when it returns the kernel touches no buffer any more. Idempotent.</summary>
    public void Stop()
    {
        _capture?.Dispose();
        _capture = null;
        foreach (XdpQueue? queue in _queues)
            queue?.Dispose();
        _queues = [];
        Gears?.Dispose();
        Gears = null;
        _setup = null;
    }

    public void Dispose()
    {
        Stop();
        _interface.Dispose();
    }

    private static NativeRefusal BadBufferSize(int bufferSize) => new(Errno.EINVAL,
        $"XDP sockets take buffers of {UmemArea.SmallestChunk - UmemArea.Headroom} to {UmemArea.LargestChunk} bytes, not {bufferSize} (BufferSize)");

    private static NativeRefusal NoSocket(Errno error) => new(error, error switch
    {
        Errno.EPERM => "XDP sockets need CAP_NET_RAW: run as root",
        Errno.EMFILE or Errno.ENFILE => "no descriptor for an XDP socket; raise `ulimit -n`",
        Errno.ENOMEM or Errno.ENOBUFS => "no memory for an XDP socket",
        _ => "the kernel has no XDP sockets (CONFIG_XDP_SOCKETS)",
    });

    private NetmapException Occupied(string foreign) => new(Errno.EBUSY, "open", Name,
        $"{foreign}; detach it, or run beside it with the generic adapter (AdapterMode.Generic, --admode generic)");

    private bool IsBound() => Array.Find(_queues, queue => queue is not null) is not { } queue
        || queue.Socket.KickReceive().Errno != Errno.ENXIO;

    /// <summary>
    /// The fast paths begin with the program: it is attached now, and takes nothing yet.
    /// </summary>
    private void StartGears(XdpSetup setup)
    {
        try
        {
            _whyPlain = _whyCopy is null ? "the driver has zero-copy" : null;
            if (_whyPlain is not null)
                return;
            Gears = new(setup.TxCounters.Length, setup.RxQueues, Frags, MayBePartial, setup.Reachable, _interface.Index, Name);
            _capture = Attach();
        }
        catch (NetmapException refused) when (setup.Gear != NativeGear.Fast && refused.Errno != Errno.EBUSY)
        {
            Gears?.Dispose();
            Gears = null;
            _whyPlain = refused.Message;
        }
    }

    private XskSocket OpenSocket(int index)
    {
        XskSetup setup = _socketSetup! with { Queue = index, SharedWith = Array.Find(_queues, queue => queue is not null)?.Socket };
        if (setup.SharedWith is not null)
            return XskSocket.TryOpen(setup, out Errno refused, out XskStep step) ?? throw Refused(index, refused, step);
        if (_whyCopy is null && OpenDirect(setup) is { } direct)
            return direct;
        Memory = Layout.Copying;
        XskSocket? socket = XskSocket.TryOpen(setup with { Memory = Memory, Flags = XskFlags.CopyScattered }, out Errno error, out XskStep failed);
        Scatters = socket is not null;
        // Before 6.6 there are no frames over several buffers.
        if (error == Errno.EINVAL && failed == XskStep.Bind)
            socket = XskSocket.TryOpen(setup with { Memory = Memory, Flags = XskFlags.Copy }, out error, out failed);
        return socket ?? throw Refused(index, error, failed);
    }

    /// <summary>A socket whose frames the driver reads and writes itself, or null and <see cref="_whyCopy"/>.</summary>
    private XskSocket? OpenDirect(XskSetup setup)
    {
        XskSetup direct = setup with { Memory = Layout.Direct!.Value, Flags = XskFlags.ZeroCopyScattered };
        XskSocket? socket = XskSocket.TryOpen(direct, out Errno error, out _);
        Scatters = socket is not null;
        // Not every driver with zero-copy has frames over several buffers: then each must fit into one.
        if (socket is null && _longestExpected <= direct.Memory.FrameRoom)
            socket = XskSocket.TryOpen(direct with { Flags = XskFlags.ZeroCopy }, out error, out _);
        _whyCopy = socket is null ? $"the driver refused zero-copy on queue {setup.Queue} ({error})" : null;
        return socket;
    }

    /// <summary>Why not even to ask for zero-copy, or null.</summary>
    private string? WhyCopy()
    {
        using XdpFeatures features = new(_interface.Index);
        return !features.HasZeroCopy ? "the driver has no zero-copy"
            : Layout.Direct is null ? $"zero-copy needs buffers of {UmemArea.SmallestChunk} or {UmemArea.LargestChunk} bytes in netmap's own memory"
            : null;
    }

    private Exception Refused(int index, Errno error, XskStep failed) => (failed, error) switch
    {
        (XskStep.Bind, Errno.EBUSY) => new NativeRefusal(error, $"queue {index} has an XDP socket of another program"),
        (XskStep.Socket, _) => NoSocket(error),
        (XskStep.Memory, Errno.ENOBUFS) => MemoryLock.Refusal(_setup!.PoolBytes, _setup.BufferSize),
        (XskStep.Memory, _) => new NativeRefusal(error, $"the kernel did not take {_setup!.PoolBytes >> 20} MiB of buffers; lower BufferCount"),
        _ => new NativeRefusal(error, $"the kernel refused an XDP socket on queue {index} ({failed.ToString().ToLowerInvariant()})"),
    };

    private XdpCapture Attach()
    {
        // Behind the driver several processors may be at work on one queue: no ring with one writer there.
        XdpParts parts = new(_setup!.Filter, Gears is { } gears ? gears.Rx.Emit : null);
        XdpCapture? capture = XdpCapture.TryStart(_interface.Index, _setup.RxQueues, Frags, XdpMode.Native, parts, Name, out _nativeRefused);
        if (capture is null && !_setup.MayMissTags && NotWhole(_nativeRefused) is { } refusal)
            throw refusal;
        capture ??= XdpCapture.TryStart(_interface.Index, _setup.RxQueues, Frags, XdpMode.Generic, parts with { Receiving = null, Prefix = _prefix }, Name, out _);
        // What comes as an skb may be a local sender's.
        MayBePartial |= capture is { Mode: XdpMode.Generic };
        if (capture is not null)
            return capture;
        if (ForeignProgram() is { } foreign)
            throw Occupied(foreign);
        throw new NativeRefusal(_nativeRefused, "no XDP program can be attached to it");
    }
}
