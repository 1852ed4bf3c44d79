namespace Netmap;

/// <summary>Geometry of an in-memory pair of interfaces.</summary>
public sealed record MemoryPairOptions
{
    /// <summary>Queues in each direction, 1..64.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Descriptors per ring the device reports, 0 for "does not tell".</summary>
    public int Slots { get; init; }

    /// <summary>Payload bytes, 68..32768: what a port on it can carry in one frame.</summary>
    public int Mtu { get; init; } = 1500;
}
