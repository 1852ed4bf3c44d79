using System.Security.Cryptography;
using System.Text;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters;

/// <summary>A port with no interface below it: pipes, ports of a switch, monitors. Whoever has news wakes it.</summary>
internal abstract class SoftwareAdapter : NetmapAdapter
{
    /// <summary>Slots of such a ring at most (spec 7.1, 8).</summary>
    public const int MostSlots = 4096;

    private readonly RingCounters[] _txCounters;
    private readonly RingCounters[] _rxCounters;

    protected SoftwareAdapter(string name, NetmapMemory memory, int txRings, int rxRings, int txSlots, int rxSlots)
        : base(name, memory)
    {
        (TxRingCount, RxRingCount, TxSlots, RxSlots) = (txRings, rxRings, txSlots, rxSlots);
        _txCounters = MakeCounters(txRings);
        _rxCounters = MakeCounters(rxRings);
        MacAddress = SHA256.HashData(Encoding.UTF8.GetBytes(name))[..6];
        // Locally administered, unicast.
        MacAddress[0] = (byte)((MacAddress[0] & 0xfc) | 2);
    }

    public override bool KeepsMemory => true;

    public override int MaxSlotSize => int.MaxValue;

    public override (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters => (_txCounters, _rxCounters);

    /// <summary>The same each time for a name, so that programs which ask for a port's address get one.</summary>
    protected byte[] MacAddress { get; }

    /// <summary>What the port is joined to, in words.</summary>
    protected abstract string Mode { get; }

    public override void RefreshCounters()
    {
    }

    public override DeviceInfo Describe() => new()
    {
        Name = Name,
        Mechanism = Kind,
        Mode = Mode,
        Mtu = Memory.BufferSize - LinuxIfEther.ETH_HLEN,
        MacAddress = MacAddress,
        TxQueues = TxRingCount,
        RxQueues = RxRingCount,
        TxSlots = TxSlots,
        RxSlots = RxSlots,
        Link = LinkState.Up,
    };

    public override void Activate() => RingsChanged();

    public override void RingsOpened() => RingsChanged();

    public override void RingsClosed() => RingsChanged();

    /// <summary>Rings with a user are on. Nothing here asks the system, so nothing is refused.</summary>
    protected virtual void RingsChanged()
    {
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = ring.Users > 0;
    }

    public override void Deactivate()
    {
        foreach (KRing ring in TxRings.Concat(RxRings))
            ring.On = false;
    }

    public override bool PrepareWait(KRing ring, out DeviceWait wait)
    {
        wait = DeviceWait.Notified;
        return true;
    }

    public override void Release()
    {
    }
}
