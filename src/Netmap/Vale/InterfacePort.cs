using Netmap.Adapters;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// An interface as a port of a switch (spec 7.4): the switch is the user of its rings, with swapped roles. What its
/// receive rings hold is forwarded; what is sent to it leaves through the transmit ring of the same number.
/// </summary>
internal sealed class InterfacePort : SwitchPort
{
    private readonly Action _wake;
    private readonly RingCounters[] _delivered;
    private readonly KRing[] _sources;
    private readonly int _retries;
    private readonly int _firstTx;
    private int _link = (int)LinkState.Up;

    /// <param name="name">On the switch.</param>
    /// <param name="adapter">Registered for the switch; its rings exist.</param>
    /// <param name="rings">NIC rings, or host rings.</param>
    /// <param name="counters">Of those rings.</param>
    /// <param name="options">Batch, clock, retries.</param>
    /// <param name="wake">Wakes the thread that looks after the port.</param>
    public InterfacePort(string name, NetmapAdapter adapter, (KRing[] Tx, KRing[] Rx) rings,
        (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) counters, NetmapEngineOptions options, Action wake)
        : base(name, adapter)
    {
        Counters = counters;
        _firstTx = rings.Tx.Length > 0 ? rings.Tx[0].Id : 0;
        (_wake, _sources, _retries) = (wake, rings.Rx, options.SwitchRetries);
        _delivered = [.. rings.Tx.Select(_ => new RingCounters())];
        Inbound = [.. rings.Tx.Select((ring, i) => new InboundRing(ring, _delivered[i]) { IsOpen = true })];
        Transmit = [.. Inbound.Select(inbound => new TransmitSide(this, inbound, adapter))];
        Receive = [.. rings.Rx.Select(ring => new ReceiveSide(this, ring, adapter, new ValeForwarder(this, ring, options)))];
        foreach (TransmitSide side in Transmit)
            side.Start();
    }

    public TransmitSide[] Transmit { get; }

    public ReceiveSide[] Receive { get; }

    public override KRing[] Sources => _sources;

    public override int Retries => _retries;

    public override IReadOnlyList<RingCounters> Delivered => _delivered;

    public override (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters { get; }

    /// <summary>Down comes back; gone does not.</summary>
    public LinkState Link => (LinkState)Volatile.Read(ref _link);

    public override DropReason WhyClosed => Link == LinkState.Gone ? DropReason.DeviceGone : DropReason.LinkDown;

    public bool IsLossless => Switch is { Lossless: true };

    public override void Arrived(InboundRing inbound) => SideOf(inbound).Run(SyncFlags.None);

    public override void MakeRoom(InboundRing inbound) => SideOf(inbound).Run(SyncFlags.ForceReclaim);

    public override void RoomWanted(InboundRing inbound) => _wake();

    public override void RoomMade() => _wake();

    public void Wake() => _wake();

    /// <summary>Senders of the whole switch try again.</summary>
    public void TellRoom() => Switch?.RoomMade();

    /// <summary>
    /// What a sync said about the link. While it is down or gone nothing is delivered here; addresses behind an interface
    /// that is gone are forgotten.
    /// </summary>
    public void LinkIs(Errno result)
    {
        LinkState now = result switch
        {
            Errno.Success => LinkState.Up,
            Errno.ENETDOWN => LinkState.Down,
            _ => LinkState.Gone,
        };
        LinkState before = Link;
        if (now == before || before == LinkState.Gone)
            return;
        if (Interlocked.CompareExchange(ref _link, (int)now, (int)before) != (int)before)
            return;
        foreach (InboundRing inbound in Inbound)
            inbound.IsOpen = now == LinkState.Up;
        if (now == LinkState.Gone && Switch is { } vale && Number >= 0)
            vale.Table.Forget(Number);
        // Lossless: nobody waits for a port that takes nothing.
        TellRoom();
        _wake();
    }

    /// <summary>Host rings are numbered on from the NIC's.</summary>
    private TransmitSide SideOf(InboundRing inbound) => Transmit[inbound.Ring.Id - _firstTx];
}
