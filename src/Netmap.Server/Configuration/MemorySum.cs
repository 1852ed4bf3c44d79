using System.Globalization;
using Netmap.Access;

namespace Netmap.Server.Configuration;

/// <summary>Whether this machine has the memory that users may have.</summary>
internal static class MemorySum
{
    public static IEnumerable<string> Warnings(ServerConfiguration configuration, NetmapServerOptions options) =>
        Warnings(configuration, ResourceAccounts.Defaults(options), options.Group, Members(options.Group),
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <param name="configuration">With the limits.</param>
    /// <param name="defaults">For what it does not say.</param>
    /// <param name="group">Of the socket.</param>
    /// <param name="members">The users of that group.</param>
    /// <param name="available">Bytes that there are.</param>
    public static IEnumerable<string> Warnings(ServerConfiguration configuration, ResourceLimits defaults, string? group,
        IReadOnlyList<uint> members, long available)
    {
        foreach ((uint user, string place) in configuration.Limited)
        {
            if (configuration.LimitsOf(user, defaults) is { Memory: < long.MaxValue and var memory } && memory > available)
                yield return $"{place}: {MiB(memory)} of memory is more than this machine's {MiB(available)}";
        }
        decimal sum = members.Sum(member => (decimal)configuration.LimitsOf(member, defaults).Memory);
        if (sum > available)
        {
            yield return $"group {group}: its {members.Count} users could have {MiB(sum)} of memory together, more than this machine's "
                + $"{MiB(available)}; lower --memory-per-user or memory=";
        }
    }

    private static string MiB(decimal bytes) => string.Create(CultureInfo.InvariantCulture, $"{decimal.Floor(bytes / (1 << 20))} MiB");

    private static IReadOnlyList<uint> Members(string? group)
    {
        const int MembersField = 3;
        string[]? entry = group is null || !File.Exists("/etc/group") ? null
            : File.ReadLines("/etc/group").Select(line => line.Split(':'))
                .FirstOrDefault(fields => fields[0] == group && fields.Length > MembersField);
        UserNames names = new();
        return [.. (entry?[MembersField].Split(',') ?? []).Select(names.FindUser).OfType<uint>().Distinct()];
    }
}
