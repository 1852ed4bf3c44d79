using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// One ring through prologue, adapter and finalize (spec 2.2–2.5), for ioctl and poll alike. Whatever happens inside, the
/// ring is left: whoever closes it waits for that, with the control lock held.
/// </summary>
internal static class RingSync
{
    /// <summary>The program wrote indices that make no sense: the ring was reset. Never given to an ioctl's caller.</summary>
    public const Errno BadIndices = Errno.EINVAL;

    /// <summary>Sends, and where slots point to memory of the program's, fetches that between two syncs, with the ring left.</summary>
    /// <param name="adapter">The port.</param>
    /// <param name="ring">A transmit ring.</param>
    /// <param name="flags">What the sync is for.</param>
    /// <param name="indirect">That memory; null where slots may point to none.</param>
    /// <param name="ready">The program has free slots beyond its cur.</param>
    /// <returns>Success also for a busy ring; EIO stopped; <see cref="BadIndices"/>; or what the adapter says.</returns>
    public static Errno Transmit(NetmapAdapter adapter, KRing ring, SyncFlags flags, IndirectData? indirect, out bool ready)
    {
        uint from = uint.MaxValue;
        Errno result;
        do
            result = TransmitOnce(adapter, ring, flags, indirect, out ready);
        while (result == Errno.Success && indirect is not null && indirect.TryFetch(ring, ref from));
        return result;
    }

    /// <summary>As transmit, but only if the program moved head since the last sync, or <paramref name="wanted"/>.</summary>
    public static Errno TransmitIfNeeded(NetmapAdapter adapter, KRing ring, bool wanted, IndirectData? indirect, out bool ready)
    {
        ready = false;
        if (!wanted)
        {
            if (Enter(ring, out Errno state) is false)
                return state;
            bool unsent = ring.HasUnsent;
            ring.Exit();
            if (!unsent)
                return Errno.Success;
        }
        return Transmit(adapter, ring, SyncFlags.None, indirect, out ready);
    }

    /// <summary>Receives; a prologue failure resets the ring, and the sync goes on with the engine's indices.</summary>
    public static Errno Receive(NetmapAdapter adapter, KRing ring, SyncFlags flags, NetmapEngineOptions options, out bool ready)
    {
        ready = false;
        if (Enter(ring, out Errno state) is false)
            return state;
        try
        {
            bool sane = ring.Prologue();
            if (!sane)
                ring.Reinit();
            Errno result = adapter.Sync(ring, flags);
            ring.PublishTail();
            ring.Stamp(options.NoTimestamp, options.Clock.GetUtcNow());
            ready = ring.IsReady;
            return sane ? result : BadIndices;
        }
        finally
        {
            ring.Exit();
        }
    }

    private static Errno TransmitOnce(NetmapAdapter adapter, KRing ring, SyncFlags flags, IndirectData? indirect, out bool ready)
    {
        ready = false;
        if (Enter(ring, out Errno state) is false)
            return state;
        try
        {
            Errno result = BadIndices;
            if (ring.Prologue())
            {
                result = adapter.Sync(ring, flags, indirect);
                ring.PublishTail();
            }
            else
            {
                ring.Reinit();
            }
            ready = ring.IsReady;
            return result;
        }
        finally
        {
            ring.Exit();
        }
    }

    /// <summary>False when the ring is to be skipped, with the reason; a busy one is no error.</summary>
    private static bool Enter(KRing ring, out Errno state)
    {
        RingEntry entry = ring.TryEnter();
        state = entry == RingEntry.Stopped ? Errno.EIO : Errno.Success;
        return entry == RingEntry.Entered;
    }
}
