using System.Globalization;
using Netmap.Access;

namespace Netmap.Server.Configuration;

/// <summary>What one <c>limit</c> line says: the limits it names, and none of the others.</summary>
internal sealed record LimitChanges
{
    private long? Memory { get; init; }

    private int? Memories { get; init; }

    private int? Rings { get; init; }

    private int? Switches { get; init; }

    private int? Ports { get; init; }

    private int? Attachments { get; init; }

    /// <summary>Adds one <c>KEY=VALUE</c>.</summary>
    /// <exception cref="FormatException">What is wrong with it.</exception>
    public LimitChanges With(string assignment)
    {
        string[] parts = assignment.Split('=', 2);
        if (parts.Length < 2)
            throw new FormatException($"'{ConfigurationText.Shown(assignment)}' is not KEY=VALUE");
        (string key, string value) = (parts[0], parts[1]);
        return key switch
        {
            "memory" when Memory is null => this with { Memory = Bytes(value) },
            "memories" when Memories is null => this with { Memories = Count(key, value) },
            "rings" when Rings is null => this with { Rings = Count(key, value) },
            "switches" when Switches is null => this with { Switches = Count(key, value) },
            "ports" when Ports is null => this with { Ports = Count(key, value) },
            "attachments" when Attachments is null => this with { Attachments = Count(key, value) },
            "memory" or "memories" or "rings" or "switches" or "ports" or "attachments" => throw new FormatException($"a second {key}"),
            _ => throw new FormatException(
                $"there is no limit '{ConfigurationText.Shown(key)}'; limits are memory memories rings switches ports attachments"),
        };
    }

    /// <summary>These limits, and for what they do not say those.</summary>
    public ResourceLimits Over(ResourceLimits others) => new()
    {
        Memory = Memory ?? others.Memory,
        Memories = Memories ?? others.Memories,
        Rings = Rings ?? others.Rings,
        Switches = Switches ?? others.Switches,
        Ports = Ports ?? others.Ports,
        Attachments = Attachments ?? others.Attachments,
    };

    private static int Count(string key, string value)
    {
        if (value == ConfigurationText.Unlimited)
            return int.MaxValue;
        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count
            : throw new FormatException($"{key}={ConfigurationText.Shown(value)} is neither a number nor {ConfigurationText.Unlimited}");
    }

    /// <summary>With a unit: that of the option is MiB, which a bare number would leave in doubt.</summary>
    private static long Bytes(string value)
    {
        if (value == ConfigurationText.Unlimited)
            return long.MaxValue;
        int shift = value.Length == 0 ? -1 : value[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => -1 };
        if (shift < 0 || !long.TryParse(value[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            || number > long.MaxValue >> shift)
        {
            throw new FormatException($"memory={ConfigurationText.Shown(value)} is neither a number with K, M, G or T behind it, such as 512M, "
                + $"nor {ConfigurationText.Unlimited}");
        }
        return number << shift;
    }
}
