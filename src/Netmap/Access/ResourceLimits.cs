namespace Netmap.Access;

/// <summary>What one account may hold of an engine at a time.</summary>
internal sealed record ResourceLimits
{
    public static ResourceLimits None { get; } = new()
    {
        Memory = long.MaxValue,
        Memories = int.MaxValue,
        Rings = int.MaxValue,
        Switches = int.MaxValue,
        Ports = int.MaxValue,
        Attachments = int.MaxValue,
    };

    /// <summary>Bytes of regions, each counted once and as a whole.</summary>
    public required long Memory { get; init; }

    /// <summary>Regions: memory ids.</summary>
    public required int Memories { get; init; }

    /// <summary>Bound rings, each as often as it is bound.</summary>
    public required int Rings { get; init; }

    /// <summary>VALE switches that it made.</summary>
    public required int Switches { get; init; }

    /// <summary>Persistent ports.</summary>
    public required int Ports { get; init; }

    /// <summary>Interfaces on switches; each has a thread.</summary>
    public required int Attachments { get; init; }
}
