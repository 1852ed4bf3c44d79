using Netmap.Adapters;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// A transmit ring of an interface, filled by a switch: whoever puts frames into it has it sent, on his own thread. Nobody
/// waits for another: who finds the ring taken leaves a mark, and who had it looks for the mark when he is out.
/// </summary>
internal sealed class TransmitSide(InterfacePort port, InboundRing inbound, NetmapAdapter adapter)
{
    /// <summary>Rounds one sender does for others before the interface's own thread goes on.</summary>
    private const int MostRounds = 4;

    private readonly KRing _ring = inbound.Ring;
    private int _wanted;
    private bool _behind;
    private uint _released;

    /// <summary>The device refused frames, or a sender waits for room: to be looked at again when the device may have room.</summary>
    public bool NeedsCare => Volatile.Read(ref _behind) || Volatile.Read(ref _wanted) != 0 || inbound.IsStarved;

    /// <summary>Starts on a ring that nobody has sent to.</summary>
    public void Start()
    {
        _released = _ring.Next(_ring.HwTail);
        inbound.Reset(_ring.RHead, _released);
    }

    /// <summary>Sends what is complete, and takes back what the device is done with.</summary>
    public void Run(SyncFlags flags)
    {
        // The full fence pairs with the one after Exit: either we get in, or whoever is inside sees the mark.
        Interlocked.Exchange(ref _wanted, 1);
        for (int round = 0; Volatile.Read(ref _wanted) != 0; round++)
        {
            if (round == MostRounds)
            {
                port.Wake();
                return;
            }
            RingEntry entry = _ring.TryEnter();
            if (entry == RingEntry.Stopped)
                port.LinkIs(Errno.EIO);
            if (entry != RingEntry.Entered)
                return;
            try
            {
                // Fenced: leases completed before the mark was set are seen by Collect.
                Interlocked.Exchange(ref _wanted, 0);
                Sync(flags);
            }
            finally
            {
                _ring.Exit();
            }
            Interlocked.MemoryBarrier();
        }
    }

    /// <summary>Before a thread sleeps: false when there is something to do instead.</summary>
    public bool PrepareWait(out DeviceWait wait)
    {
        wait = DeviceWait.Soon;
        if (_ring.TryEnter() != RingEntry.Entered)
            return true;
        bool asleep;
        try
        {
            asleep = adapter.PrepareWait(_ring, out wait);
        }
        finally
        {
            _ring.Exit();
        }
        Interlocked.MemoryBarrier();
        return asleep && Volatile.Read(ref _wanted) == 0;
    }

    private void Sync(SyncFlags flags)
    {
        _ring.MoveHead(inbound.Collect(_ring.RHead));
        Errno result = adapter.Sync(_ring, flags);
        _ring.PublishTail();
        if (result != Errno.Success)
            port.LinkIs(result);
        bool behind = _ring.HwCur != _ring.RHead;
        bool news = behind && !_behind;
        Volatile.Write(ref _behind, behind);
        if (news)
            port.Wake();
        uint released = _ring.Next(_ring.HwTail);
        if (released == _released)
            return;
        _released = released;
        inbound.Release(released);
        if ((port.IsLossless || inbound.IsStarved) && inbound.TakeStarved())
            port.TellRoom();
    }
}
