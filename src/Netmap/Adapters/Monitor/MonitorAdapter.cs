using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters.Monitor;

/// <summary>What a monitor looks at: rings of a port, by number, in each direction.</summary>
internal readonly record struct MonitorScope(NetmapAdapter Parent, Range Tx, Range Rx, bool ZeroCopy);

/// <summary>
/// A port that sees the packets of another (spec 9). Its receive ring i gets what passes the parent's rings i; it sends
/// nothing, and never holds the parent up. A copy monitor has memory of its own; a zero-copy monitor exchanges buffers
/// with the parent, whose memory it shares.
/// </summary>
internal sealed class MonitorAdapter : SoftwareAdapter, IWaiter
{
    private static int s_number;

    private readonly MonitorScope _scope;
    private readonly Action _released;
    private InboundRing[] _inbound = [];
    private KRing[] _watched = [];
    private volatile bool _orphaned;

    /// <param name="scope">What to look at; the caller's reference on the parent lasts until <paramref name="released"/>.</param>
    /// <param name="memory">Where its rings live.</param>
    /// <param name="request">Slots, 0 for as many as the parent has.</param>
    /// <param name="released">Called with the last reference gone.</param>
    public MonitorAdapter(MonitorScope scope, NetmapMemory memory, in nmreq_register request, Action released)
        : base(NameOf(scope), memory, 1, RingsFor(scope),
            Slots(request.nr_tx_slots, scope.Parent.TxSlots), Slots(request.nr_rx_slots, scope.Parent.RxSlots))
    {
        (_scope, _released) = (scope, released);
    }

    public override string Kind => "monitor";

    public override bool SupportsOffsets => !_scope.ZeroCopy;

    public bool IsZeroCopy => _scope.ZeroCopy;

    /// <summary>
    /// Frames are seen as they lie in the port's rings. Whoever looks at a software port knows about the header somebody gave it,
    /// as on the reference; that of an interface on a switch is our doing, and must be accepted.
    /// </summary>
    public override int HeaderLength => _scope.Parent.IsInterface ? _scope.Parent.HeaderLength : 0;

    protected override string Mode =>
        $"{(_scope.ZeroCopy ? "zero-copy" : "copy")} of {_scope.Parent.Name}{(_orphaned ? ", which is closed: reopen" : "")}";

    /// <summary>The receive rings that get something: what a monitor of host rings binds.</summary>
    public Range Binding => FirstRing(_scope)..EndRing(_scope);

    /// <summary>Receive rings of a monitor: as many as the port has, and more where host rings are looked at.</summary>
    public static int RingsFor(in MonitorScope scope) =>
        Math.Max(Math.Max(scope.Parent.TxRingCount, scope.Parent.RxRingCount), EndRing(scope));

    public static int Slots(uint asked, int parent) => (int)Math.Clamp(asked == 0 ? (uint)parent : asked, 2, MostSlots);

    /// <summary>Looks at the parent's transmit or receive ring of this number.</summary>
    public bool Covers(RingDirection direction, int ring)
    {
        Range range = direction == RingDirection.Tx ? _scope.Tx : _scope.Rx;
        return ring >= range.Start.Value && ring < range.End.Value;
    }

    public InboundRing Inbound(int ring) => _inbound[ring];

    /// <summary>The parent was closed: nothing comes any more (spec 9). Under the control lock.</summary>
    public void Orphan()
    {
        _orphaned = true;
        foreach (KRing ring in RxRings)
        {
            // A zero-copy monitor may have another one behind it, which from now on is closed without our knowing.
            ring.Taps = null;
            ring.Synchronize();
            ring.Waiters.Wake();
        }
    }

    public override void CreateKrings()
    {
        base.CreateKrings();
        _inbound = [.. RxRings.Select(ring => new InboundRing(ring))];
    }

    public override void OpenRing(KRing ring)
    {
        base.OpenRing(ring);
        if (ring.Direction == RingDirection.Rx)
            _inbound[ring.Id].Reset(ring.HwTail, ring.HwCur);
    }

    public override void Activate()
    {
        if (_scope.Parent.ActiveFiles == 0)
            throw new NetmapException(Errno.EINVAL, "open", Name, "the monitored port was closed meanwhile");
        try
        {
            RingsChanged();
            _watched = [.. RxRings.Select(ParentOf).OfType<KRing>()];
            foreach (KRing ring in _watched)
                ring.Waiters.Add(this);
            _scope.Parent.Monitors.Add(this);
            MonitorTaps.Rebuild(_scope.Parent);
        }
        catch
        {
            Deactivate();
            throw;
        }
    }

    protected override void RingsChanged()
    {
        base.RingsChanged();
        foreach (InboundRing inbound in _inbound)
            inbound.IsOpen = inbound.Ring.On;
        if (_scope.Parent.Monitors.Contains(this))
            MonitorTaps.Rebuild(_scope.Parent);
    }

    public override void Deactivate()
    {
        base.Deactivate();
        foreach (KRing ring in _watched)
            ring.Waiters.Remove(this);
        if (_scope.Parent.Monitors.Remove(this))
            MonitorTaps.Rebuild(_scope.Parent);
    }

    public override void Release() => _released();

    /// <summary>The parent has news for its readers: so do we.</summary>
    public void Wake()
    {
        foreach (KRing ring in RxRings)
            ring.Waiters.Wake();
    }

    public override bool PrepareWait(KRing ring, out DeviceWait wait)
    {
        wait = DeviceWait.Notified;
        if (ParentOf(ring) is not { } parent)
            return true;
        RingEntry entry = parent.TryEnter();
        // The thread inside may find nothing, wake no waiter, and never come again: the device is not armed for us then.
        if (entry == RingEntry.Busy)
            wait = DeviceWait.Soon;
        if (entry != RingEntry.Entered)
            return true;
        try
        {
            // What waits behind a full ring comes when its reader makes room, in a sync that wakes us.
            return !parent.HasFreeSlots || _scope.Parent.PrepareWait(parent, out wait);
        }
        finally
        {
            parent.Exit();
        }
    }

    /// <summary>A monitor sends nothing: an error for poll, ignored by TXSYNC (spec 9).</summary>
    protected override Errno TxSync(KRing ring, SyncFlags flags) => Errno.ENODEV;

    protected override Errno RxSync(KRing ring, SyncFlags flags)
    {
        ring.Counters.Syncs++;
        InboundRing inbound = _inbound[ring.Id];
        if (ring.HwCur != ring.RHead)
        {
            ring.HwCur = ring.RHead;
            inbound.Release(ring.HwCur);
        }
        Pump(ring);
        ring.HwTail = inbound.Collect(ring.HwTail);
        return _orphaned ? Errno.ENODEV : Errno.Success;
    }

    /// <summary>
    /// Lets the parent import what arrived, so that we see it before the parent's reader asks. That reader may be asleep
    /// on the very descriptor we emptied: it is woken.
    /// </summary>
    private void Pump(KRing ring)
    {
        if (ParentOf(ring) is not { } parent || parent.TryEnter() != RingEntry.Entered)
            return;
        bool moved;
        try
        {
            uint tail = parent.HwTail;
            _scope.Parent.Sync(parent, SyncFlags.ForceRead);
            moved = parent.HwTail != tail;
        }
        finally
        {
            parent.Exit();
        }
        if (moved)
            parent.Waiters.Wake();
    }

    /// <summary>The receive ring whose arrivals we import ourselves: zero-copy monitors wait for its reader instead.</summary>
    private KRing? ParentOf(KRing ring)
    {
        if (_scope.ZeroCopy || ring.Direction == RingDirection.Tx || !Covers(RingDirection.Rx, ring.Id) || _orphaned)
            return null;
        // Read once: the parent may be closing. A ring that closed lets nobody in.
        KRing[] rings = _scope.Parent.AllRxRings;
        return ring.Id < rings.Length ? rings[ring.Id] : null;
    }

    private static int FirstRing(in MonitorScope scope) =>
        scope.Tx.Equals(..0) ? scope.Rx.Start.Value
        : scope.Rx.Equals(..0) ? scope.Tx.Start.Value
        : Math.Min(scope.Tx.Start.Value, scope.Rx.Start.Value);

    private static int EndRing(in MonitorScope scope) => Math.Max(scope.Tx.End.Value, scope.Rx.End.Value);

    private static string NameOf(in MonitorScope scope)
    {
        bool rx = scope.Rx.End.Value > scope.Rx.Start.Value;
        bool tx = scope.Tx.End.Value > scope.Tx.Start.Value;
        return $"{scope.Parent.Name}/{(scope.ZeroCopy ? "z" : "")}{(rx ? "r" : "")}{(tx ? "t" : "")}#{Interlocked.Increment(ref s_number)}";
    }
}
