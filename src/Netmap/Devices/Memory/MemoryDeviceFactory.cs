using Netmap.Interop;

namespace Netmap.Devices.Memory;

/// <summary>Two devices joined by a wire, each under its name.</summary>
internal sealed class MemoryDeviceFactory : IDeviceFactory
{
    /// <summary>No port could be opened with more (spec 3.4, the generic adapter's longest slot).</summary>
    private const int LongestMtu = 32768;

    private readonly MemoryDevice[] _ends;
    private readonly string[] _names;

    public MemoryDeviceFactory(string first, string second, MemoryPairOptions options)
    {
        if (first == second)
            throw new NetmapException(Errno.EINVAL, "add memory pair", first, "the two ends need different names");
        if (options.Queues is < 1 or > 64)
            throw new NetmapException(Errno.EINVAL, "add memory pair", first, $"Queues {options.Queues} is outside 1..64");
        if (options.Mtu is < 68 or > LongestMtu)
            throw new NetmapException(Errno.EINVAL, "add memory pair", first, $"Mtu {options.Mtu} is outside 68..{LongestMtu}");
        _names = [first, second];
        _ends = [new MemoryDevice(first, options), new MemoryDevice(second, options)];
        (_ends[0].Peer, _ends[1].Peer) = (_ends[1], _ends[0]);
    }

    /// <summary>The two ends, in the order of their names.</summary>
    public IReadOnlyList<MemoryDevice> Ends => _ends;

    public string? Identify(string name) => _names.Contains(name) ? $"memory:{name}" : null;

    public IDevice Open(string name) => _ends[Array.IndexOf(_names, name)];
}
