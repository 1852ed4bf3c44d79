using System.Globalization;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>
/// The reference's module parameters by their names (spec 1.5), and one of ours, on an engine that runs. A change counts for what is opened or
/// made from then on, as there.
/// </summary>
internal static class EngineParameters
{
    private static readonly Parameter[] s_all =
    [
        new("admode", 0, 2, o => (long)o.AdapterMode, (o, v) => o with { AdapterMode = (AdapterMode)v }),
        new("bridge_batch", 1, 1024, o => o.SwitchBatch, (o, v) => o with { SwitchBatch = (int)v }),
        new("fwd", 0, 1, o => Bit(o.Forward), (o, v) => o with { Forward = v != 0 }),
        new("generic_mit", 0, 1_000_000_000, o => o.GenericMitigation.Ticks * 100, (o, v) => o with { GenericMitigation = TimeSpan.FromTicks(v / 100) }),
        new("generic_ringsize", 3, 4096, o => o.GenericRingSize, (o, v) => o with { GenericRingSize = (int)v }),
        new("max_bridges", 1, 65535, o => o.SwitchCount, (o, v) => o with { SwitchCount = (int)v }),
        new("native_gear", 0, 2, o => (long)o.NativeGear, (o, v) => o with { NativeGear = (NativeGear)v }),
        new("no_pendintr", 0, 1, o => Bit(o.NoPendingInterrupt), (o, v) => o with { NoPendingInterrupt = v != 0 }),
        new("no_timestamp", 0, 1, o => Bit(o.NoTimestamp), (o, v) => o with { NoTimestamp = v != 0 }),
        new("txsync_retry", 0, 1000, o => o.SwitchRetries, (o, v) => o with { SwitchRetries = (int)v }),
        new("buf_num", 4, 1_000_000, o => o.BufferCount, (o, v) => o with { BufferCount = (int)v }, IsMemory: true),
        new("buf_size", 64, 65536, o => o.BufferSize, (o, v) => o with { BufferSize = (int)v }, IsMemory: true),
        new("if_num", 10, 10000, o => o.InterfaceCount, (o, v) => o with { InterfaceCount = (int)v }, IsMemory: true),
        new("if_size", 56, 4096, o => o.InterfaceSize, (o, v) => o with { InterfaceSize = (int)v }, IsMemory: true),
        new("ring_num", 2, 1024, o => o.RingCount, (o, v) => o with { RingCount = (int)v }, IsMemory: true),
        new("ring_size", 256, 131072, o => o.RingSize, (o, v) => o with { RingSize = (int)v }, IsMemory: true),
    ];

    private static readonly string[] s_readOnly =
        ["buf_curr_num", "buf_curr_size", "if_curr_num", "if_curr_size", "ring_curr_num", "ring_curr_size"];

    /// <summary>All names and values, in the order of the names.</summary>
    public static SortedDictionary<string, long> Read(NetmapEngineOptions options, MemoryGeometry current)
    {
        SortedDictionary<string, long> all = new(StringComparer.Ordinal)
        {
            ["buf_curr_num"] = current.Buffers.Count,
            ["buf_curr_size"] = current.Buffers.ObjectSize,
            ["if_curr_num"] = current.Interfaces.Count,
            ["if_curr_size"] = current.Interfaces.ObjectSize,
            ["ring_curr_num"] = current.Rings.Count,
            ["ring_curr_size"] = current.Rings.ObjectSize,
        };
        foreach (Parameter parameter in s_all)
            all[parameter.Name] = parameter.Get(options);
        return all;
    }

    /// <param name="options">As they are.</param>
    /// <param name="name">As the reference calls it.</param>
    /// <param name="value">As the reference has it: times in nanoseconds, choices 0 and 1.</param>
    /// <param name="isMemory">It is one of the global memory.</param>
    /// <exception cref="NetmapException">EINVAL no such parameter, or out of range; EACCES it is read-only.</exception>
    public static NetmapEngineOptions Change(NetmapEngineOptions options, string name, long value, out bool isMemory)
    {
        if (s_readOnly.Contains(name))
            throw new NetmapException(Errno.EACCES, "set", name, "it only says what is in use");
        Parameter parameter = s_all.FirstOrDefault(known => known.Name == name)
            ?? throw new NetmapException(Errno.EINVAL, "set", name, $"no such parameter; there are {string.Join(", ", s_all.Select(p => p.Name))}");
        if (value < parameter.Least || value > parameter.Most)
            throw new NetmapException(Errno.EINVAL, "set", name,
                string.Create(CultureInfo.InvariantCulture, $"{value} is not within {parameter.Least}..{parameter.Most}"));
        isMemory = parameter.IsMemory;
        return parameter.Set(options, value);
    }

    private static long Bit(bool value) => value ? 1 : 0;

    private sealed record Parameter(string Name, long Least, long Most, Func<NetmapEngineOptions, long> Get,
        Func<NetmapEngineOptions, long, NetmapEngineOptions> Set, bool IsMemory = false);
}
