using Netmap.Adapters.Host;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters.Generic;

/// <summary>
/// netmap on a device that knows nothing of it (spec 5): packets are copied between netmap buffers and the device's mbufs.
/// netmap's netmap_generic.c as a class: attach, register and unregister, and the way from a ring to its two halves.
/// </summary>
internal sealed class GenericAdapter : NetmapAdapter, IDeviceEvents
{
    private const int VnetHeader = 10;

    private readonly IDevice _device;
    private readonly GenericParameters _parameters;
    private readonly RingCounters[] _txCounters;
    private readonly RingCounters[] _rxCounters;
    private GenericTxRing[] _tx = [];
    private GenericRxRing[] _rx = [];
    private volatile LinkState _link = LinkState.Up;

    /// <summary>
    /// generic_netmap_attach: geometry as the driver tells it, if it tells at least 3 slots, else the default.
    /// </summary>
    /// <param name="name">Port name.</param>
    /// <param name="device">Owned from here on.</param>
    /// <param name="memory">The global allocator, unless another was asked for.</param>
    /// <param name="parameters">generic_* parameters.</param>
    /// <exception cref="NetmapException">EINVAL for a device without queues or slots.</exception>
    public GenericAdapter(string name, IDevice device, NetmapMemory memory, GenericParameters parameters)
        : base(name, memory)
    {
        _device = device;
        _parameters = parameters;
        DeviceInfo info = device.Describe();
        TxSlots = info.TxSlots >= 3 ? info.TxSlots : parameters.RingSize;
        RxSlots = info.RxSlots >= 3 ? info.RxSlots : parameters.RingSize;
        TxRingCount = info.TxQueues;
        RxRingCount = info.RxQueues;
        if (TxSlots < 2 || RxSlots < 2 || TxRingCount < 1 || RxRingCount < 1)
            throw new NetmapException(Errno.EINVAL, "open", name,
                $"the device has {TxRingCount}/{RxRingCount} queues of {TxSlots}/{RxSlots} slots; raise GenericRingSize");
        _txCounters = MakeCounters(TxRingCount);
        _rxCounters = MakeCounters(RxRingCount);
        Host = device.Host is { } side ? new HostRings(name, side, parameters.Forward) : null;
    }

    public override string Kind => "generic";

    public override bool IsInterface => true;

    public override bool CanFilter => _device.CanFilter;

    /// <summary>Spec 5.1; together with the buffer size it decides which MTU can be opened (spec 3.4).</summary>
    public override int MaxSlotSize => 32768;

    public override (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters => (_txCounters, _rxCounters);

    /// <summary>The device may be asked for virtio-net headers before frames.</summary>
    public bool CanUseVnetHeaders => _device.HasVnetHeaders;

    /// <summary>It is; set while nobody has the port open. A switch then passes super-frames from interface to interface.</summary>
    public bool UsesVnetHeaders { get; set; }

    public override int HeaderLength => UsesVnetHeaders ? VnetHeader : 0;

    /// <summary>Up, Down (comes back), or Gone for good.</summary>
    public LinkState Link => _link;

    public override DeviceInfo Describe() => _device.Describe();

    public override void RefreshCounters()
    {
        _device.RefreshCounters();
        Host?.RefreshCounters();
    }

    public override void Activate()
    {
        _link = LinkState.Up;
        _device.Start(new DeviceSetup
        {
            TxRings = TxRingCount,
            RxRings = RxRingCount,
            TxSlots = TxSlots,
            RxSlots = RxSlots,
            BufferSize = Memory.BufferSize,
            TxCounters = _txCounters,
            RxCounters = _rxCounters,
            VnetHeaders = UsesVnetHeaders,
            Filter = Filter,
            Events = this,
        });
        try
        {
            StartRings();
        }
        catch
        {
            Deactivate();
            throw;
        }
    }

    /// <summary>
    /// Rings with a user are on. Rings already on keep their packets in flight: the reference clears them all [Q].
    /// </summary>
    public override void RingsOpened()
    {
        CheckHostRings();
        Host?.Check();
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = ring.Users > 0;
        _device.SetReceiveRings([.. RxRings.Select(ring => ring.On)]);
        if (Filter is null)
            Host?.RingsOpened();
    }

    public override void RingsClosed()
    {
        foreach (KRing ring in TxRings)
            ring.On = ring.Users > 0;
        foreach (KRing ring in RxRings)
        {
            bool closed = ring.On && ring.Users == 0;
            ring.On = ring.Users > 0;
            // This ring alone: the reference purges the queues of all [Q].
            if (closed)
                _rx[ring.Id].Purge();
        }
        _device.CloseReceiveRings([.. RxRings.Select(ring => ring.On)]);
        if (Filter is null)
            Host?.RingsClosed();
    }

    public override void Deactivate()
    {
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = false;
        Host?.Stop();
        GenericTxRing[] tx = Interlocked.Exchange(ref _tx, []);
        GenericRxRing[] rx = Interlocked.Exchange(ref _rx, []);
        foreach (GenericRxRing ring in rx)
            ring.Dispose();
        foreach (GenericTxRing ring in tx)
            ring.Dispose();
        // Last: now only the device itself holds mbufs, and Stop frees those.
        _device.Stop();
    }

    protected override Errno TxSync(KRing ring, SyncFlags flags) =>
        _link == LinkState.Gone ? Errno.EIO : _tx[ring.Id].Sync(flags);

    protected override Errno RxSync(KRing ring, SyncFlags flags) =>
        _link == LinkState.Gone ? Errno.EIO : _rx[ring.Id].Sync(flags);

    public override bool PrepareWait(KRing ring, out DeviceWait wait)
    {
        if (ring.IsHost)
            return Host!.PrepareWait(ring, out wait);
        bool asleep = ring.Direction == RingDirection.Tx || _rx[ring.Id].PrepareWait();
        wait = ring.Direction == RingDirection.Tx ? _tx[ring.Id].Wait : _rx[ring.Id].Wait;
        return asleep;
    }

    public override void Release() => _device.Dispose();

    /// <inheritdoc/>
    void IDeviceEvents.Receive(int queue, Mbuf frame)
    {
        GenericRxRing[] rings = Volatile.Read(ref _rx);
        if ((uint)queue < (uint)rings.Length)
            rings[queue].Receive(frame);
        else
            frame.Free();
    }

    /// <inheritdoc/>
    void IDeviceEvents.LinkChanged(LinkState state)
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

    private void StartRings()
    {
        // A device may deliver as soon as it is started; until these are set such frames find no ring and are freed.
        GenericTxRing[] tx = [.. TxRings.Select((ring, i) => new GenericTxRing(ring, _device.TxQueue(i), OnCompleted, UsesVnetHeaders))];
        GenericRxRing[] rx = [.. RxRings.Select((ring, i) => new GenericRxRing(ring, _device.RxQueue(i), _parameters))];
        Volatile.Write(ref _tx, tx);
        Volatile.Write(ref _rx, rx);
        if (Filter is null)
            Host?.Start();
        RingsOpened();
    }

    /// <summary>generic_mbuf_destructor: finds the ring whose event this frame is, from the frame's own queue on.</summary>
    private void OnCompleted(Mbuf frame)
    {
        GenericTxRing[] rings = Volatile.Read(ref _tx);
        for (int k = 0; k < rings.Length; k++)
        {
            KRing ring = rings[(frame.Queue + k) % rings.Length].Ring;
            if (!rings[ring.Id].TryTakeEvent(frame))
                continue;
            Interlocked.Increment(ref ring.Counters.Irqs);
            ring.Waiters.Wake();
            return;
        }
    }
}
