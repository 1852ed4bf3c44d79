using Netmap.Adapters;
using Netmap.Devices;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>A port as its switch sees it: rings to deliver to, and rings packets come from.</summary>
internal abstract class SwitchPort(string name, NetmapAdapter adapter)
{
    private ValeSwitch? _switch;
    private InboundRing[] _inbound = [];

    /// <summary>Behind the colon.</summary>
    public string Name { get; } = name;

    public NetmapAdapter Adapter { get; } = adapter;

    /// <summary>The switch it is on, null for none.</summary>
    public ValeSwitch? Switch
    {
        get => Volatile.Read(ref _switch);
        set => Volatile.Write(ref _switch, value);
    }

    /// <summary>On its switch; -1 while on none.</summary>
    public int Number { get; set; } = -1;

    /// <summary>Bytes of virtio-net header before each frame (spec 7.5).</summary>
    public int HeaderLength { get; set; }

    /// <summary>Longest frame after segmentation, without that header.</summary>
    public int MaxFrame { get; set; } = 1514;

    /// <summary>By ring number; empty while nobody has the port open.</summary>
    public InboundRing[] Inbound
    {
        get => Volatile.Read(ref _inbound);
        protected set => Volatile.Write(ref _inbound, value);
    }

    /// <summary>How often a sender tries again when the ring is full: an interface may make room by sending.</summary>
    public virtual int Retries => 0;

    /// <summary>Why a ring of this port that is not open loses what is sent to it.</summary>
    public virtual DropReason WhyClosed => DropReason.NobodyReceives;

    /// <summary>Counters of what was delivered here, where the adapter's own do not tell.</summary>
    public virtual IReadOnlyList<RingCounters> Delivered => [];

    /// <summary>Counters of the port's rings.</summary>
    public virtual (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters => Adapter.Counters;

    /// <summary>Rings whose syncs send through the switch.</summary>
    public abstract KRing[] Sources { get; }

    /// <summary>Frames were put into a ring: whoever reads it is woken, or an interface sends them.</summary>
    public abstract void Arrived(InboundRing inbound);

    /// <summary>A ring is full: an interface sees whether it can send meanwhile.</summary>
    public virtual void MakeRoom(InboundRing inbound)
    {
    }

    /// <summary>Lossless: a sender waits for room in this ring; <see cref="InboundRing.MarkStarved"/> was called.</summary>
    public virtual void RoomWanted(InboundRing inbound)
    {
    }

    /// <summary>Room was made where this port's packets did not fit.</summary>
    public abstract void RoomMade();
}
