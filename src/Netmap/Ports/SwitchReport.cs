using Netmap.Control;
using Netmap.Devices;
using Netmap.Vale;

namespace Netmap;

/// <summary>Turns a switch's state into what users see.</summary>
internal static class SwitchReport
{
    public static IReadOnlyList<SwitchPortInfo> Ports(Engine engine, ValeSwitch vale)
    {
        lock (engine.ControlLock)
            return [.. vale.Ports.All.Select(port => Port(engine, port))];
    }

    public static IReadOnlyList<ForwardingEntry> Table(ValeSwitch vale)
    {
        SwitchPort?[] ports = vale.Ports.ByNumber;
        return
        [
            .. vale.Table.Snapshot(vale.Now)
                .Where(entry => entry.Port < ports.Length && ports[entry.Port] is not null)
                .OrderBy(entry => entry.Idle)
                .ThenBy(entry => entry.Address)
                .Select(entry => new ForwardingEntry(Mac(entry.Address), ports[entry.Port]!.Name, entry.Port, TimeSpan.FromSeconds(entry.Idle))),
        ];
    }

    public static SwitchStatistics Statistics(Engine engine, ValeSwitch vale)
    {
        lock (engine.ControlLock)
        {
            return new()
            {
                Taken = engine.Options.Clock.GetUtcNow(),
                Owner = vale.Owner.Name,
                SharedWith = vale.SharedWith.ToString(),
                Ports = [.. vale.Ports.All.Select(port => Counts(port, OwnerOf(engine, port)))],
            };
        }
    }

    private static SwitchPortInfo Port(Engine engine, SwitchPort port)
    {
        Attachment? attachment = engine.Attachments.Of(port);
        return new()
        {
            Name = port.Name,
            Index = port.Number,
            Kind = attachment is null
                ? ((ValePort)port.Adapter).IsPersistent ? SwitchPortKind.Persistent : SwitchPortKind.Ephemeral
                : attachment.Host == port ? SwitchPortKind.Host : SwitchPortKind.Interface,
            Link = port is InterfacePort wrapped ? wrapped.Link.ToString().ToLowerInvariant() : port.Inbound.Length > 0 ? "up" : "down",
            HeaderLength = port.HeaderLength,
            InRings = port.Sources.Length,
            OutRings = port.Inbound.Length,
            Owner = OwnerOf(engine, port),
            IsPolled = attachment is { IsPolling: true } && attachment.Nic == port,
        };
    }

    private static string OwnerOf(Engine engine, SwitchPort port) => (engine.Attachments.Of(port)?.Owner ?? port.Adapter.Owner).Name;

    /// <summary>What a program sends comes in; what an interface receives does.</summary>
    private static SwitchPortStatistics Counts(SwitchPort port, string owner)
    {
        port.Adapter.RefreshCounters();
        (IReadOnlyList<RingCounters> tx, IReadOnlyList<RingCounters> rx) = port.Counters;
        // Headers that only pass between ports are nobody's bytes.
        int header = port is InterfacePort ? port.HeaderLength : 0;
        (IReadOnlyList<RingCounters> into, IReadOnlyList<RingCounters> outOf) = port is InterfacePort ? (rx, tx) : (tx, rx);
        return new()
        {
            Name = port.Name,
            Index = port.Number,
            Owner = owner,
            InPackets = into.Sum(ring => Volatile.Read(ref ring.Packets)),
            InBytes = into.Sum(ring => Volatile.Read(ref ring.Bytes) - (header * Volatile.Read(ref ring.Packets))),
            InDrops = Drops(into),
            OutPackets = outOf.Sum(ring => Volatile.Read(ref ring.Packets)),
            OutBytes = outOf.Sum(ring => Volatile.Read(ref ring.Bytes) - (header * Volatile.Read(ref ring.Packets))),
            OutDrops = Drops([.. outOf, .. port.Delivered]),
        };
    }

    private static Dictionary<DropReason, long> Drops(IReadOnlyList<RingCounters> rings) => Enum.GetValues<DropReason>()
        .Select(reason => (Reason: reason, Count: rings.Sum(ring => ring.DropsFor(reason))))
        .Where(drop => drop.Count > 0)
        .ToDictionary(drop => drop.Reason, drop => drop.Count);

    /// <summary>From the first byte in the lowest bits on.</summary>
    private static string Mac(ulong address) => string.Join(':', Enumerable.Range(0, 6).Select(i => ((byte)(address >> (8 * i))).ToString("x2")));
}
