using Netmap.Control;
using Netmap.Devices;
using Netmap.Devices.Memory;
using Netmap.Devices.Packet;
using Netmap.Devices.Tap;

namespace Netmap;

/// <summary>
/// Hosts ports: their memory, adapters and devices. A process needs one; a second one shares nothing with the first.
/// </summary>
public sealed class NetmapEngine : IDisposable
{
    private static readonly Lazy<NetmapEngine> s_default = new(() => new NetmapEngine());

    /// <summary>An engine with its own memory and adapters. Nothing is allocated before the first port.</summary>
    public NetmapEngine(NetmapEngineOptions? options = null)
        : this(options ?? new(), [new TapDeviceFactory(), new PacketDeviceFactory()])
    {
    }

    internal NetmapEngine(NetmapEngineOptions options, IEnumerable<IDeviceFactory> factories) =>
        Core = new Engine(options, factories);

    /// <summary>The process-wide engine that <see cref="NetmapPort.Open"/> uses.</summary>
    public static NetmapEngine Default => s_default.Value;

    /// <summary>What it was made with, and the parameters changed since.</summary>
    public NetmapEngineOptions Options => Core.Options;

    /// <summary>netmap's module parameters by name, such as <c>buf_size</c> and <c>generic_mit</c>, as they are now.</summary>
    public IReadOnlyDictionary<string, long> GetParameters()
    {
        lock (Core.ControlLock)
            return EngineParameters.Read(Core.Options, Core.Memories.Global.Geometry);
    }

    /// <summary>
    /// Changes a parameter of <see cref="GetParameters"/>, for ports opened from now on: times in nanoseconds, choices 0 and 1.
    /// Those of the global memory change only while no port uses it.
    /// </summary>
    /// <exception cref="NetmapException">EINVAL no such parameter, or out of range; EACCES read-only; EBUSY the memory is in use.</exception>
    public void SetParameter(string name, long value) => Core.Change(name, value);

    internal Engine Core { get; }

    /// <summary>
    /// Adds two in-memory interfaces joined by a wire, which open as <c>netmap:first</c> and <c>netmap:second</c>; they
    /// need no privilege and no kernel, for tests and demonstrations.
    /// </summary>
    public void AddMemoryPair(string first, string second, MemoryPairOptions? options = null) =>
        Core.AddFactory(new MemoryDeviceFactory(first, second, options ?? new()));

    /// <summary>Closes all ports still open on it, and frees the memory.</summary>
    public void Dispose() => Core.Dispose();
}
