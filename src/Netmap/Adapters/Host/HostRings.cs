using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters.Host;

/// <summary>
/// The rings that lead to the host's stack behind an interface (spec 6), for any adapter whose device has a host side. They
/// follow the NIC's rings in number. Made with the adapter; everything but <see cref="Sync"/>, <see cref="Forward"/> and
/// waiting runs under the control lock.
/// </summary>
/// <param name="port">For errors.</param>
/// <param name="side">The way to the host.</param>
/// <param name="forwardAll">Forward every released frame, marked or not (parameter <c>fwd</c>).</param>
internal sealed class HostRings(string port, IHostSide side, bool forwardAll)
{
    /// <summary>In each direction; their counters stay as long as the adapter.</summary>
    public const int Most = 256;

    private readonly List<RingCounters> _txCounters = [new()];
    private readonly List<RingCounters> _rxCounters = [new()];
    private HostTxRing[] _tx = [];
    private HostRxRing[] _rx = [];
    private HostForwarder? _forwarder;
    private KRing[] _nicTx = [];
    private Errno _refused;
    private volatile bool _started;

    /// <summary>Host transmit rings: to the host.</summary>
    public int TxCount { get; private set; } = 1;

    /// <summary>Host receive rings: from the host.</summary>
    public int RxCount { get; private set; } = 1;

    public KRing[] TxRings { get; private set; } = [];

    public KRing[] RxRings { get; private set; } = [];

    /// <summary>Counters of all host rings there have been since the adapter was made.</summary>
    public (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters => (_txCounters, _rxCounters);

    /// <summary>What the host sends is kept from the wire: some NIC transmit ring is in netmap mode.</summary>
    public bool Intercepts => _started && _refused == Errno.Success && Array.Exists(_nicTx, static ring => ring.On);

    /// <summary>Sets how many there are; 0 for one. Only while nobody has the port open (spec 3.3).</summary>
    public void SetCounts(int tx, int rx)
    {
        TxCount = Math.Max(tx, 1);
        RxCount = Math.Max(rx, 1);
        AddCounters(_txCounters, TxCount);
        AddCounters(_rxCounters, RxCount);
    }

    public void CreateKrings(NetmapAdapter adapter)
    {
        _nicTx = adapter.TxRings;
        TxRings = Make(RingDirection.Tx, TxCount, adapter.TxRingCount, adapter.TxSlots, adapter.Memory, _txCounters);
        RxRings = Make(RingDirection.Rx, RxCount, adapter.RxRingCount, adapter.RxSlots, adapter.Memory, _rxCounters);
    }

    public void DestroyKrings()
    {
        (TxRings, RxRings, _nicTx) = ([], [], []);
        SetCounts(1, 1);
    }

    /// <summary>
    /// First file. Where the system refuses, the port works without host rings, and who asks for them gets the reason.
    /// </summary>
    public void Start()
    {
        _refused = side.Start(new HostSetup
        {
            TxRings = TxCount,
            RxSlots = (int)RxRings[0].SlotCount,
            RxCounters = [.. RxRings.Select(ring => ring.Counters)],
            Arrived = ring => RxRings[ring].Waiters.Wake(),
        });
        _started = true;
        if (_refused != Errno.Success)
            return;
        _tx = [.. TxRings.Select((ring, i) => new HostTxRing(ring, side.TxQueue(i)))];
        _rx = [.. RxRings.Select((ring, i) => new HostRxRing(ring, side.RxQueue(i)))];
        _forwarder = new HostForwarder(side.TxQueue(TxRings.Length));
    }

    /// <summary>Before anything changes: host rings that are asked for can be had.</summary>
    /// <exception cref="NetmapException">The system refuses them.</exception>
    public void Check()
    {
        if (_refused != Errno.Success && TxRings.Concat(RxRings).Any(ring => ring.Users > 0))
            throw Refusal();
    }

    /// <summary>Rings with a user are on; what the host sends goes where the rings, the NIC's too, now say.</summary>
    /// <exception cref="NetmapException">What the system says.</exception>
    public void RingsOpened()
    {
        Mark();
        if (_refused == Errno.Success)
            side.SetRings([.. _nicTx.Select(ring => ring.On)], [.. RxRings.Select(ring => ring.On)]);
    }

    /// <summary>The same when rings, the NIC's perhaps, were closed; never fails.</summary>
    public void RingsClosed()
    {
        Mark();
        if (_refused == Errno.Success)
            side.CloseRings([.. _nicTx.Select(ring => ring.On)], [.. RxRings.Select(ring => ring.On)]);
    }

    /// <summary>Last file.</summary>
    public void Stop()
    {
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = false;
        _started = false;
        (_tx, _rx, _forwarder) = ([], [], null);
        side.Stop();
    }

    public void RefreshCounters()
    {
        if (_started && _refused == Errno.Success)
            side.RefreshCounters();
    }

    public Errno Sync(KRing ring) =>
        ring.Direction == RingDirection.Tx ? _tx[IndexOf(TxRings, ring)].Sync() : _rx[IndexOf(RxRings, ring)].Sync();

    /// <summary>
    /// Before a receive ring's sync: released frames that are marked go on, from the NIC to the host, from the host to the
    /// NIC (spec 6).
    /// </summary>
    public void Forward(KRing ring, SyncFlags flags)
    {
        if (ring.HwCur == ring.RHead || _forwarder is not { } forwarder || !(forwardAll || ring.WantsForward))
            return;
        if (!ring.IsHost)
            forwarder.Up(ring, forwardAll);
        else if ((flags & SyncFlags.ForwardDown) != 0)
            HostForwarder.Down(ring, _nicTx, forwardAll);
    }

    public bool PrepareWait(KRing ring, out DeviceWait wait)
    {
        wait = DeviceWait.Notified;
        return ring.Direction == RingDirection.Tx || _rx[IndexOf(RxRings, ring)].PrepareWait(out wait);
    }

    private void Mark()
    {
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = ring.Users > 0;
    }

    private NetmapException Refusal() => new(_refused, "open", port, _refused switch
    {
        Errno.EPERM => "host rings (^ and *) need eBPF; run as root, or with CAP_BPF and CAP_NET_ADMIN",
        Errno.EINVAL => "host rings (^ and *) need a kernel with tcx, 6.6 or newer",
        _ => "the kernel refused what host rings (^ and *) need",
    });

    private static int IndexOf(KRing[] rings, KRing ring) => ring.Id - rings[0].Id;

    private static void AddCounters(List<RingCounters> counters, int count)
    {
        while (counters.Count < count)
            counters.Add(new());
    }

    private static KRing[] Make(RingDirection direction, int count, int first, int slots, NetmapMemory memory, List<RingCounters> counters)
    {
        KRing[] rings = new KRing[count];
        for (int i = 0; i < count; i++)
        {
            rings[i] = new KRing(direction, first + i, (uint)slots, memory, counters[i]) { IsHost = true };
            rings[i].Reset();
        }
        return rings;
    }
}
