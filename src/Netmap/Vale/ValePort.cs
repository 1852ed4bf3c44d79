using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// A port that programs open: <c>vale0:port</c>, ephemeral, or a persistent one that may also be on no switch (spec 7.2).
/// What a program sends is forwarded on its own thread; what others send is in the ring when it syncs.
/// </summary>
internal sealed class ValePort : SoftwareAdapter
{
    public const int MostRings = 16;
    public const int DefaultSlots = 1024;

    /// <summary>Extra buffers of such a port at most (spec 7.1).</summary>
    public const uint MostExtra = 524288;

    private readonly NetmapEngineOptions _options;
    private readonly Action<ValePort> _released;
    private readonly Side _side;
    private ValeForwarder[] _forwarders = [];

    /// <param name="name">As the port's users know it.</param>
    /// <param name="side">Its name on a switch.</param>
    /// <param name="memory">Kept by the port until it is released.</param>
    /// <param name="shape">Rings and slots as asked for; 0 for the default.</param>
    /// <param name="options">Batch and clock.</param>
    /// <param name="released">Called with the last reference gone.</param>
    public ValePort(string name, string side, NetmapMemory memory, in ValeShape shape, NetmapEngineOptions options, Action<ValePort> released)
        : base(name, memory, shape.TxRings, shape.RxRings, shape.TxSlots, shape.RxSlots)
    {
        (_options, _released) = (options, released);
        _side = new Side(side, this);
    }

    public override string Kind => "vale";

    public override int HeaderLength => _side.HeaderLength;

    /// <summary>Made by NEWIF, or for a pipe whose parent does not exist.</summary>
    public bool IsPersistent { get; init; }

    /// <summary>Goes with its last user: made for a pipe.</summary>
    public bool IsAutomatic { get; init; }

    /// <summary>The switch it is on.</summary>
    public ValeSwitch? Switch => _side.Switch;

    public SwitchPort SwitchSide => _side;

    protected override string Mode => Switch is { } vale
        ? $"port {_side.Name} of switch {vale.Name}{(vale.Lossless ? ", lossless" : "")}"
        : "on no switch; what is sent is discarded";

    /// <summary>Onto a switch; packets flow from now on. Under the control lock.</summary>
    public void Join(ValeSwitch vale)
    {
        vale.Attach(_side);
        _side.Switch = vale;
    }

    /// <summary>Off its switch: what is sent from now on is discarded. Under the control lock.</summary>
    public void Leave()
    {
        ValeSwitch? vale = Switch;
        _side.Switch = null;
        vale?.Detach(_side);
    }

    public override void CreateKrings()
    {
        base.CreateKrings();
        _forwarders = [.. TxRings.Select(ring => new ValeForwarder(_side, ring, _options))];
        _side.Open(RxRings);
    }

    public override void DestroyKrings()
    {
        _side.Open([]);
        base.DestroyKrings();
        _forwarders = [];
    }

    public override uint MostExtraBuffers => MostExtra;

    public override void OpenRing(KRing ring)
    {
        ring.Counters.Drop(DropReason.PortClosed, ring.Forget());
        base.OpenRing(ring);
        if (ring.Direction == RingDirection.Rx)
            _side.Inbound[ring.Id].Reset(ring.HwTail, ring.HwCur);
    }

    protected override void RingsChanged()
    {
        base.RingsChanged();
        TellSenders();
    }

    public override void Deactivate()
    {
        base.Deactivate();
        TellSenders();
    }

    public override void Release() => _released(this);

    protected override Errno TxSync(KRing ring, SyncFlags flags) => TxSync(ring, flags, null);

    protected override Errno TxSync(KRing ring, SyncFlags flags, IndirectData? indirect)
    {
        ring.Counters.Syncs++;
        if (ring.HwCur != ring.RHead)
        {
            uint from = ring.HwCur;
            ValeForwarder forwarder = _forwarders[ring.Id];
            uint to = Switch is { } vale ? forwarder.Forward(vale, from, ring.RHead, indirect) : Discard(ring);
            forwarder.TakeCounts(ring.Counters);
            ring.HwCur = to;
        }
        ring.HwTail = ring.Previous(ring.HwCur);
        return Errno.Success;
    }

    protected override Errno RxSync(KRing ring, SyncFlags flags)
    {
        ring.Counters.Syncs++;
        InboundRing inbound = _side.Inbound[ring.Id];
        if (ring.HwCur != ring.RHead)
        {
            ring.HwCur = ring.RHead;
            inbound.Release(ring.HwCur);
            if (Switch is { Lossless: true } vale && inbound.TakeStarved())
                vale.RoomMade();
        }
        ring.HwTail = inbound.Collect(ring.HwTail);
        return Errno.Success;
    }

    private static uint Discard(KRing ring)
    {
        ring.Counters.Drop(DropReason.NobodyReceives, ring.Distance(ring.HwCur, ring.RHead));
        return ring.RHead;
    }

    /// <summary>Which rings are open. Senders that saw one open are done with it then; those that wait for it go on.</summary>
    private void TellSenders()
    {
        InboundRing[] closed = [.. _side.Inbound.Where(inbound => inbound.IsOpen && !inbound.Ring.On)];
        foreach (InboundRing inbound in _side.Inbound)
            inbound.IsOpen = inbound.Ring.On;
        if (closed.Length == 0)
            return;
        Switch?.Synchronize();
        foreach (InboundRing inbound in closed)
            inbound.Ring.Counters.Drop(DropReason.PortClosed, inbound.Uncollected());
        Switch?.RoomMade();
    }

    /// <summary>The port as its switch sees it.</summary>
    private sealed class Side(string name, ValePort port) : SwitchPort(name, port)
    {
        public override KRing[] Sources => port.TxRings;

        public void Open(KRing[] rings) => Inbound = [.. rings.Select(ring => new InboundRing(ring))];

        public override void Arrived(InboundRing inbound) => inbound.Ring.Waiters.Wake();

        public override void RoomMade()
        {
            foreach (KRing ring in port.TxRings)
                ring.Waiters.Wake();
        }
    }
}

/// <summary>Rings and slots of a port, within the limits of spec 7.1.</summary>
internal readonly record struct ValeShape
{
    public ValeShape(uint txRings, uint rxRings, uint txSlots, uint rxSlots)
    {
        TxRings = (int)Math.Clamp(txRings, 1, ValePort.MostRings);
        RxRings = (int)Math.Clamp(rxRings, 1, ValePort.MostRings);
        TxSlots = Slots(txSlots);
        RxSlots = Slots(rxSlots);
    }

    public int TxRings { get; }
    public int RxRings { get; }
    public int TxSlots { get; }
    public int RxSlots { get; }

    private static int Slots(uint asked) => asked == 0 ? ValePort.DefaultSlots : (int)Math.Clamp(asked, 2, SoftwareAdapter.MostSlots);
}
