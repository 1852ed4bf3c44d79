namespace Netmap;

/// <summary>
/// Hosts ports: their memory, adapters and devices. A process needs one; a second one shares nothing with the first.
/// </summary>
public sealed class NetmapEngine : IDisposable
{
    /// <summary>An engine with its own memory and adapters.</summary>
    public NetmapEngine(NetmapEngineOptions? options = null) => Options = options ?? new();

    /// <summary>The process-wide engine that <see cref="NetmapPort.Open"/> uses.</summary>
    public static NetmapEngine Default { get; } = new();

    /// <summary>What it was made with.</summary>
    public NetmapEngineOptions Options { get; }

    /// <summary>
    /// Adds two in-memory interfaces joined by a wire, which open as <c>netmap:first</c> and <c>netmap:second</c>; they
    /// need no privilege and no kernel, for tests and demonstrations.
    /// </summary>
    public void AddMemoryPair(string first, string second, MemoryPairOptions? options = null) =>
        throw new NotSupportedException();

    /// <summary>Closes the engine; ports still open on it fail from then on.</summary>
    public void Dispose() => throw new NotSupportedException();
}

/// <summary>Geometry of an in-memory pair of interfaces.</summary>
public sealed record MemoryPairOptions
{
    /// <summary>Queues in each direction, 1..64.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Descriptors per ring the device reports, 0 for "does not tell".</summary>
    public int Slots { get; init; }

    /// <summary>Payload bytes, 68..65521.</summary>
    public int Mtu { get; init; } = 1500;
}
