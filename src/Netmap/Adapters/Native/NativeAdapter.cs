using Netmap.Adapters.Host;
using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters.Native;

/// <summary>
/// netmap on XDP sockets: netmap's buffers are what the kernel reads and writes, so a frame is never copied between them
/// and the device, and buffers swapped between ports are forwarded where they are.
/// </summary>
internal sealed unsafe class NativeAdapter : NetmapAdapter
{
    /// <summary>Longest frame: an skb's fragments of a small buffer each.</summary>
    private const int LongestMtu = 16 * 1024;

    private readonly XdpDevice _device;
    private readonly NativeParameters _parameters;
    private readonly RingCounters[] _txCounters;
    private readonly RingCounters[] _rxCounters;
    private NativeTxRing[] _tx = [];
    private INativeRxRing[] _rx = [];
    private volatile LinkState _link = LinkState.Up;

    /// <param name="name">Port name.</param>
    /// <param name="device">Owned from here on.</param>
    /// <param name="memory">The global allocator, unless another was asked for.</param>
    /// <param name="parameters">Ring size and busy polling.</param>
    public NativeAdapter(string name, XdpDevice device, NetmapMemory memory, NativeParameters parameters)
        : base(name, memory)
    {
        _device = device;
        _parameters = parameters;
        DeviceInfo info = device.Describe();
        TxSlots = info.TxSlots >= 3 ? info.TxSlots : parameters.RingSize;
        RxSlots = info.RxSlots >= 3 ? info.RxSlots : parameters.RingSize;
        TxRingCount = info.TxQueues;
        RxRingCount = info.RxQueues;
        if (TxSlots < 2 || RxSlots < 2)
            throw new NetmapException(Errno.EINVAL, "open", name, $"rings of {TxSlots}/{RxSlots} slots; raise GenericRingSize");
        _txCounters = MakeCounters(TxRingCount);
        _rxCounters = MakeCounters(RxRingCount);
        Host = new HostRings(name, device.Host, parameters.Forward);
    }

    public override string Kind => "native";

    public override bool IsInterface => true;

    public override bool CanFilter => true;

    /// <summary>Frames longer than a buffer take several slots.</summary>
    public override bool Scatters => true;

    public override int MaxSlotSize => LongestMtu;

    /// <summary>The kernel puts every frame at the same place in its buffer.</summary>
    public override bool SupportsOffsets => false;

    public override (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters => (_txCounters, _rxCounters);

    public override DeviceInfo Describe() => _device.Describe();

    public override Func<long, SafeDescriptor?>? MakeArray => _parameters.Gear == NativeGear.Plain ? null : GearPool.TryMake;

    public override void RefreshCounters()
    {
        _device.RefreshCounters();
        foreach (INativeRxRing ring in _rx)
            ring.RefreshCounters();
        Host!.RefreshCounters();
    }

    /// <exception cref="NativeRefusal">Not natively here; the generic adapter may do.</exception>
    public override void Activate()
    {
        _link = LinkState.Up;
        try
        {
            _device.Start(new XdpSetup
            {
                Buffers = (nint)Memory.Buffers,
                Reachable = Reachable(),
                PoolBytes = Memory.Geometry.Buffers.Bytes,
                BufferSize = Memory.BufferSize,
                TxSlots = TxSlots,
                RxBuffers = NativeRxRing.MostBuffers((uint)RxSlots),
                RxQueues = RxRingCount,
                TxCounters = _txCounters,
                RxCounters = _rxCounters,
                BusyPoll = _parameters.BusyPoll,
                Filter = Filter,
                Gear = _parameters.Gear,
                MayMissTags = _parameters.MayMissTags,
                LinkChanged = LinkChanged,
            });
            // One by one: those there are when a later one fails are settled.
            foreach (KRing ring in TxRings)
                _tx = [.. _tx, new NativeTxRing(ring, _device, MakeTxGear(ring))];
            _rx = [.. RxRings.Select(MakeRx)];
            // A filter leaves the host its conversations, so what the host sends goes to the wire.
            if (Filter is null)
                Host!.Start();
            RingsOpened();
            // Sooner ended when killed, and so is the host's loss: most pages the kernel pinned are never looked at.
            Memory.Region.Unload();
        }
        catch
        {
            Deactivate();
            throw;
        }
    }

    /// <summary>
    /// Rings with a user are on, and have their queue's socket; frames of receive rings without one go on to the host
    /// (spec 5.4).
    /// </summary>
    public override void RingsOpened()
    {
        CheckHostRings();
        Host!.Check();
        foreach (KRing ring in TxRings.Where(ring => ring.Users > 0 && !ring.On))
        {
            _device.Gears?.WillSend(Name);
            _tx[ring.Id].Open(_device.Open(ring.Id).Socket);
            ring.On = true;
        }
        KRing[] opened = [.. RxRings.Where(ring => ring.Users > 0 && !ring.On)];
        foreach (KRing ring in opened)
            _rx[ring.Id].Open(_device.Open(ring.Id).Socket);
        if (opened.Length > 0)
            _device.WillTake();
        if (Filter is null)
            Host.RingsOpened();
        // Now the program knows what turns round to the host by its beginning, and takes none of it.
        foreach (KRing ring in opened)
        {
            _device.Take(ring.Id);
            ring.On = true;
        }
    }

    public override void RingsClosed()
    {
        foreach (KRing ring in TxRings.Where(ring => ring.Users == 0))
            ring.On = false;
        foreach (KRing ring in RxRings.Where(ring => ring.Users == 0 && ring.On))
        {
            _device.Leave(ring.Id);
            ring.On = false;
        }
        if (Filter is null)
            Host!.RingsClosed();
    }

    /// <summary>The kernel may still have buffers of the ring while others of the port stay open.</summary>
    public override void CloseRing(KRing ring)
    {
        if (!ring.IsHost && ring.Direction == RingDirection.Tx && _tx.Length > 0)
            _tx[ring.Id].Close();
        if (!ring.IsHost && ring.Direction == RingDirection.Rx && _rx.Length > 0)
            _rx[ring.Id].Close();
        base.CloseRing(ring);
    }

    public override void Deactivate()
    {
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = false;
        Host!.Stop();
        foreach (INativeRxRing ring in _rx)
            ring.RefreshCounters();
        _device.Stop();
        foreach (NativeTxRing ring in _tx)
            ring.Settle();
        foreach (INativeRxRing ring in _rx)
            ring.Settle();
        (_tx, _rx) = ([], []);
    }

    protected override Errno TxSync(KRing ring, SyncFlags flags) =>
        _link == LinkState.Gone ? Errno.EIO : _tx[ring.Id].Sync();

    protected override Errno RxSync(KRing ring, SyncFlags flags) =>
        _link == LinkState.Gone ? Errno.EIO : _rx[ring.Id].Sync();

    public override bool PrepareWait(KRing ring, out DeviceWait wait)
    {
        if (ring.IsHost)
            return Host!.PrepareWait(ring, out wait);
        bool asleep = ring.Direction == RingDirection.Tx || _rx[ring.Id].PrepareWait();
        wait = ring.Direction == RingDirection.Tx ? _tx[ring.Id].Wait : _rx[ring.Id].Wait;
        return asleep;
    }

    public override void Release() => _device.Dispose();

    private GearPool? Reachable() => !Memory.Region.IsArray ? null : new(Memory.Region.Descriptor, (nint)Memory.Region.Address, Memory.Bytes,
        (int)Memory.BufferPoolOffset, Memory.BufferSize, Memory.Geometry.Buffers.Count);

    private NativeTxGear? MakeTxGear(KRing ring) =>
        _device.Gears is { } gears ? new(ring, _device, gears, always: _parameters.Gear == NativeGear.Fast) : null;

    private INativeRxRing MakeRx(KRing ring) => _device.ReceivesFast
        ? new NativeRxGear(ring, _device, _device.Gears!.Rx.Ring(ring.Id))
        : new NativeRxRing(ring, _device);

    private void LinkChanged(LinkState state)
    {
        if (_link == LinkState.Gone)
            return;
        _link = state;
        foreach (KRing ring in AllTxRings.Concat(AllRxRings))
        {
            if (state == LinkState.Gone)
                ring.Condemn();
            ring.Waiters.Wake();
        }
    }
}
