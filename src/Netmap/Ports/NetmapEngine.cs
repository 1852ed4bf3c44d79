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

    /// <summary>What it was made with.</summary>
    public NetmapEngineOptions Options => Core.Options;

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
