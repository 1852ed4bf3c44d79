using System.Globalization;

namespace Netmap.Cli.Common;

/// <summary>Bounds of options.</summary>
internal static class Limits
{
    /// <exception cref="UsageException">The value is outside <paramref name="low"/>..<paramref name="high"/>.</exception>
    public static long Within(string option, long value, long low, long high) => value >= low && value <= high
        ? value
        : throw new UsageException($"{option} {value} is outside {low}..{high}");

    /// <inheritdoc cref="Within(string, long, long, long)"/>
    public static double Within(string option, double value, double low, double high) => value >= low && value <= high
        ? value
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} {value} is outside {low}..{high}"));
}
