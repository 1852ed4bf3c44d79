using Netmap.Rings;

namespace Netmap.Adapters.Monitor;

/// <summary>
/// Puts monitors on the rings they look at. Copy monitors see a packet each for itself; of zero-copy monitors the first
/// exchanges buffers with the port, the second with the first, and so on (spec 9).
/// </summary>
internal static class MonitorTaps
{
    /// <summary>
    /// Sets every tap anew after a monitor came or went; when it returns, nobody uses a tap that is no longer set. Under
    /// the control lock.
    /// </summary>
    public static void Rebuild(NetmapAdapter parent)
    {
        List<MonitorAdapter> monitors = parent.Monitors;
        List<KRing> changed = [.. parent.AllTxRings, .. parent.AllRxRings];
        foreach (KRing ring in changed)
            ring.Taps = TapsOf(ring, monitors);
        foreach (MonitorAdapter monitor in monitors.Where(monitor => monitor.IsZeroCopy))
        {
            foreach (KRing ring in monitor.RxRings)
            {
                ring.Taps = NextOf(monitor, ring, monitors);
                changed.Add(ring);
            }
        }
        foreach (KRing ring in changed)
            ring.Synchronize();
    }

    private static IRingTap[]? TapsOf(KRing ring, List<MonitorAdapter> monitors)
    {
        IEnumerable<MonitorAdapter> covering = monitors.Where(monitor => monitor.Covers(ring.Direction, ring.Id) && monitor.Inbound(ring.Id).IsOpen);
        List<IRingTap> taps = [.. covering.Where(monitor => !monitor.IsZeroCopy).Select(monitor => new CopyTap(monitor.Inbound(ring.Id)))];
        if (covering.FirstOrDefault(monitor => monitor.IsZeroCopy) is { } first)
            taps.Add(new ZeroCopyTap(first.Inbound(ring.Id), isFirst: true));
        return taps.Count > 0 ? [.. taps] : null;
    }

    private static IRingTap[]? NextOf(MonitorAdapter monitor, KRing ring, List<MonitorAdapter> monitors)
    {
        MonitorAdapter? next = monitors.Skip(monitors.IndexOf(monitor) + 1).FirstOrDefault(other => other.IsZeroCopy
            && (other.Covers(RingDirection.Tx, ring.Id) || other.Covers(RingDirection.Rx, ring.Id))
            && other.Inbound(ring.Id).IsOpen);
        return next is null ? null : [new ZeroCopyTap(next.Inbound(ring.Id), isFirst: false)];
    }
}
