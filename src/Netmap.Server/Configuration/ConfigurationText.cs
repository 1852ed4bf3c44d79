using System.Globalization;
using Netmap.Access;

namespace Netmap.Server.Configuration;

/// <summary>Words of a configuration as people see them.</summary>
internal static class ConfigurationText
{
    public const string Unlimited = "unlimited";

    private const int Longest = 40;

    /// <summary>A word of the file within a message: one line, and not a long one.</summary>
    public static string Shown(string word)
    {
        string start = word.Length > Longest ? word[..Longest] + "…" : word;
        return string.Concat(start.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
    }

    public static string Of(ResourceLimits limits) =>
        $"memory {Bytes(limits.Memory)}, memories {Count(limits.Memories)}, rings {Count(limits.Rings)}, switches {Count(limits.Switches)}, "
        + $"ports {Count(limits.Ports)}, attachments {Count(limits.Attachments)}";

    private static string Bytes(long bytes) => bytes == long.MaxValue ? Unlimited
        : (bytes & ((1L << 20) - 1)) == 0 ? string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes >> 10} KiB");

    private static string Count(int count) => count == int.MaxValue ? Unlimited : count.ToString(CultureInfo.InvariantCulture);
}
