using System.Runtime.CompilerServices;

namespace Netmap.Devices;

/// <summary>
/// Counters of one ring: netmap's RATE statistics (spec 5.6) plus bytes and drops by reason, 64 bits each. Written under
/// the ring's own lock, except drops, which the device's side may add from its own thread; read by anybody at any time.
/// </summary>
internal sealed class RingCounters
{
    private static readonly int s_reasons = Enum.GetValues<DropReason>().Length;

    private readonly long[] _drops = new long[s_reasons];

    /// <summary>Frames moved: txpkt or rxpkt.</summary>
    public long Packets;

    /// <summary>Those of them that went the fast way (native adapter).</summary>
    public long FastPackets;

    /// <summary>Bytes of those frames, without FCS.</summary>
    public long Bytes;

    /// <summary>Syncs: txsync or rxsync.</summary>
    public long Syncs;

    /// <summary>Notifications passed to waiters: txirq or rxirq.</summary>
    public long Irqs;

    /// <summary>Transmit pool entries allocated or replaced: txrepl.</summary>
    public long Replenished;

    /// <summary>Times the device refused a frame for want of room; nothing is lost by it.</summary>
    public long Refusals;

    /// <summary>Frames of several slots (receive): super-frames and jumbo frames scattered with NS_MOREFRAG.</summary>
    public long Scattered;

    /// <summary>Super-frames that were cut into segments (host receive rings).</summary>
    public long Segmented;

    /// <summary>Frames whose checksum was completed on behalf of an offloading sender.</summary>
    public long ChecksumsCompleted;

    /// <summary>Frames whose stripped VLAN tag was put back.</summary>
    public long VlanTagsRestored;

    /// <summary>All drops of this ring, whatever the reason: txdrop on a TX ring.</summary>
    public long Drops
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _drops.Length; i++)
                sum += Volatile.Read(ref _drops[i]);
            return sum;
        }
    }

    public long DropsFor(DropReason reason) => Volatile.Read(ref _drops[(int)reason]);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Drop(DropReason reason, long frames = 1) => Interlocked.Add(ref _drops[(int)reason], frames);
}
