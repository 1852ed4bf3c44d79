using Netmap.Adapters;
using Netmap.Control;
using Netmap.Devices;

namespace Netmap;

/// <summary>Turns an adapter's state into what users see.</summary>
internal static class PortReport
{
    /// <summary>Of a port by its name, without binding it.</summary>
    /// <exception cref="NetmapException">ENXIO no such port, EACCES it is for others, EINVAL bad name.</exception>
    public static PortInfo QueryInfo(Caller caller, string name) => Query(caller, name, Info);

    /// <inheritdoc cref="QueryInfo"/>
    public static PortStatistics QueryStatistics(Caller caller, string name) =>
        Query(caller, name, (_, adapter) => Statistics(adapter, caller.Engine.Options.Clock));

    private static T Query<T>(Caller caller, string name, Func<string, NetmapAdapter, T> report)
    {
        ArgumentNullException.ThrowIfNull(name);
        PortName parsed = PortName.Parse(name);
        lock (caller.Engine.ControlLock)
        {
            NetmapAdapter adapter = PortLookup.Acquire(caller, parsed.Name, PortRequest.Body(parsed), PortUse.Inspect);
            try
            {
                return report(parsed.Name, adapter);
            }
            finally
            {
                caller.Engine.Release(adapter);
            }
        }
    }

    public static PortInfo Info(string name, NetmapAdapter adapter)
    {
        DeviceInfo device = adapter.Describe();
        return new()
        {
            Name = name,
            Adapter = adapter.Kind,
            Device = device.Mechanism,
            Mode = device.Mode,
            WhyNotNative = adapter.WhyNotNative,
            WhyNotOpen = adapter.IsInterface && adapter.ActiveFiles == 0 ? Registration.MtuRefusal(adapter, device.Mtu) : null,
            Filter = adapter.ActiveFiles > 0 ? adapter.Filter?.Words : null,
            Gear = device.Gear,
            Queues = device.Queues,
            Programs = device.Programs,
            TakesFromHost = device.TakesFromHost,
            Driver = device.Driver,
            InterfaceName = device.Name,
            InterfaceIndex = device.InterfaceIndex,
            Mtu = device.Mtu,
            MacAddress = string.Join(':', device.MacAddress.Select(b => b.ToString("x2"))),
            Link = device.Link.ToString().ToLowerInvariant(),
            TxRings = adapter.TxRingCount,
            RxRings = adapter.RxRingCount,
            HostTxRings = adapter.Host?.TxCount ?? 0,
            HostRxRings = adapter.Host?.RxCount ?? 0,
            InterceptsHost = adapter.Host?.Intercepts ?? false,
            TxSlots = adapter.TxSlots,
            RxSlots = adapter.RxSlots,
            Owner = adapter.Owner.Name,
            SharedWith = adapter.SharedWith.ToString(),
            MemoryId = adapter.Memory.Id,
            MemorySize = adapter.Memory.Bytes,
            BufferSize = adapter.Memory.BufferSize,
        };
    }

    public static PortStatistics Statistics(NetmapAdapter adapter, TimeProvider clock)
    {
        adapter.RefreshCounters();
        (IReadOnlyList<RingCounters> tx, IReadOnlyList<RingCounters> rx) = adapter.Counters;
        return new()
        {
            Taken = clock.GetUtcNow(),
            Tx = [.. tx.Select(Ring)],
            Rx = [.. rx.Select(Ring)],
            HostTx = [.. (adapter.Host?.Counters.Tx ?? []).Select(Ring)],
            HostRx = [.. (adapter.Host?.Counters.Rx ?? []).Select(Ring)],
        };
    }

    private static RingStatistics Ring(RingCounters counters, int index) => new()
    {
        Ring = index,
        Packets = Volatile.Read(ref counters.Packets),
        FastPackets = Volatile.Read(ref counters.FastPackets),
        Bytes = Volatile.Read(ref counters.Bytes),
        Syncs = Volatile.Read(ref counters.Syncs),
        Notifications = Volatile.Read(ref counters.Irqs),
        Replenished = Volatile.Read(ref counters.Replenished),
        Refusals = Volatile.Read(ref counters.Refusals),
        Scattered = Volatile.Read(ref counters.Scattered),
        Segmented = Volatile.Read(ref counters.Segmented),
        ChecksumsCompleted = Volatile.Read(ref counters.ChecksumsCompleted),
        VlanTagsRestored = Volatile.Read(ref counters.VlanTagsRestored),
        Drops = Enum.GetValues<DropReason>().Where(r => counters.DropsFor(r) > 0).ToDictionary(r => r, counters.DropsFor),
    };
}
