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
        Errno result = adapter.Sync(ring, SyncFlags.ForceRead);
        uint from = ring.RHead;
        uint to = ring.HwTail;
        uint done = from;
        if (from != to && port.Switch is { } vale)
            done = forwarder.Forward(vale, from, to);
        ring.MoveHead(done);
        ring.PublishTail();
        Volatile.Write(ref _blocked, done != to);
        ring.Exit();
        // A slot that named no buffer is not the link's fault.
        if (result != Errno.EINVAL)
            port.LinkIs(result);
        return done != from;
    }

    /// <summary>Before a thread sleeps: false when there is something to do instead.</summary>
    public bool PrepareWait(out DeviceWait wait)
    {
        wait = DeviceWait.Notified;
        if (IsBlocked)
            return true;
        if (ring.TryEnter() != RingEntry.Entered)
            return true;
        bool asleep = adapter.PrepareWait(ring);
        wait = adapter.WaitFor(ring);
        ring.Exit();
        return asleep;
    }
}
