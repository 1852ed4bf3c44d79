using Netmap.Access;

namespace Netmap.Server;

/// <summary>What a user has of a server's engine, and how much it may have.</summary>
public sealed record AccountStatus
{
    /// <summary>uid.</summary>
    public required uint User { get; init; }

    /// <summary>The user's name, or its number.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes of memory.</summary>
    public required Use Memory { get; init; }

    /// <summary>Regions of memory.</summary>
    public required Use Memories { get; init; }

    /// <summary>Rings bound.</summary>
    public required Use Rings { get; init; }

    /// <summary>VALE switches.</summary>
    public required Use Switches { get; init; }

    /// <summary>Persistent ports.</summary>
    public required Use Ports { get; init; }

    /// <summary>Interfaces on switches.</summary>
    public required Use Attachments { get; init; }

    internal static bool Holds(ResourceAccount account) =>
        account.Memory > 0 || account.Memories + account.Rings + account.Switches + account.Ports + account.Attachments > 0;

    internal static AccountStatus Of(uint user, ResourceAccount account) => new()
    {
        User = user,
        Name = account.Name,
        Memory = new(account.Memory, account.Limits.Memory),
        Memories = new(account.Memories, account.Limits.Memories),
        Rings = new(account.Rings, account.Limits.Rings),
        Switches = new(account.Switches, account.Limits.Switches),
        Ports = new(account.Ports, account.Limits.Ports),
        Attachments = new(account.Attachments, account.Limits.Attachments),
    };
}

/// <summary>Something that is counted.</summary>
/// <param name="Now">How much of it there is.</param>
/// <param name="Limit">How much there may be; may have been lowered below <paramref name="Now"/>.</param>
public sealed record Use(long Now, long Limit);
