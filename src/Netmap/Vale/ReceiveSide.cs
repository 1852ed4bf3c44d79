using Netmap.Adapters;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>A receive ring of an interface whose frames go into a switch: NIC event, rxsync, forward, release (spec 7.4).</summary>
internal sealed class ReceiveSide(InterfacePort port, KRing ring, NetmapAdapter adapter, ValeForwarder forwarder)
{
    private bool _blocked;

    /// <summary>A polling thread looks after this ring; the interface's own thread leaves it alone.</summary>
    public bool IsPolled
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Lossless: frames wait in the ring for room elsewhere, so arrivals are no reason to look again.</summary>
    public bool IsBlocked => Volatile.Read(ref _blocked);

    /// <summary>Receives and forwards once.</summary>
    /// <returns>True when frames were forwarded: there may be more.</returns>
    public bool Run()
    {
        RingEntry entry = ring.TryEnter();
        if (entry == RingEntry.Stopped)
            port.LinkIs(Errno.EIO);
        if (entry != RingEntry.Entered)
            return false;
        Errno result;
        bool moved;
        try
        {
            result = adapter.Sync(ring, SyncFlags.ForceRead);
            moved = Forward();
        }
        finally
        {
            ring.Exit();
        }
        // A slot that named no buffer is not the link's fault.
        if (result != Errno.EINVAL)
            port.LinkIs(result);
        return moved;
    }

    /// <summary>Before a thread sleeps: false when there is something to do instead.</summary>
    public bool PrepareWait(out DeviceWait wait)
    {
        wait = DeviceWait.Notified;
        if (IsBlocked)
            return true;
        RingEntry entry = ring.TryEnter();
        // A monitor's reader: if it finds nothing, it wakes nobody.
        if (entry == RingEntry.Busy)
            wait = DeviceWait.Soon;
        if (entry != RingEntry.Entered)
            return true;
        try
        {
            return adapter.PrepareWait(ring, out wait);
        }
        finally
        {
            ring.Exit();
        }
    }

    private bool Forward()
    {
        uint from = ring.RHead;
        uint to = ring.HwTail;
        uint done = from != to && port.Switch is { } vale ? forwarder.Forward(vale, from, to) : from;
        ring.MoveHead(done);
        ring.PublishTail();
        Volatile.Write(ref _blocked, done != to);
        return done != from;
    }
}
