using Netmap.Adapters;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>A port as its switch sees it: rings to deliver to, and rings packets come from.</summary>
internal abstract class SwitchPort(string name, NetmapAdapter adapter)
{
    private InboundRing[] _inbound = [];

    /// <summary>Behind the colon.</summary>
    public string Name { get; } = name;

    public NetmapAdapter Adapter { get; } = adapter;

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

    /// <summary>Rings whose syncs send through the switch.</summary>
    public abstract KRing[] Sources { get; }

    /// <summary>Frames were put into a ring: whoever reads it is woken, or an interface sends them.</summary>
    public abstract void Arrived(InboundRing inbound);

    /// <summary>Room was made where this port's packets did not fit.</summary>
    public abstract void RoomMade();
}
