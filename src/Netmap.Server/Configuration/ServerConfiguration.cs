using Netmap.Access;

namespace Netmap.Server.Configuration;

/// <summary>
/// What an administrator has decided of a server's users (docs/ownership.md): who may do what, and how much each may have. Immutable.
/// </summary>
public sealed class ServerConfiguration
{
    private readonly LimitChanges? _others;
    private readonly IReadOnlyDictionary<uint, LimitChanges> _limits;

    internal ServerConfiguration(AccessPolicy policy, LimitChanges? others, IReadOnlyDictionary<uint, LimitChanges> limits) =>
        (Policy, _others, _limits) = (policy, others, limits);

    /// <summary>No rules: interfaces are for administrators, and these are root and the server's own user.</summary>
    public static ServerConfiguration Default { get; } = new(AccessPolicy.Default, null, new Dictionary<uint, LimitChanges>());

    /// <summary>The file that was read, or null.</summary>
    public string? File { get; internal init; }

    /// <summary>Each rule as it was understood, with its place.</summary>
    public IReadOnlyList<string> Rules { get; internal init; } = [];

    /// <summary>What is probably not meant, with its place: users who do not exist, and in a check more.</summary>
    public IReadOnlyList<string> Warnings { get; internal init; } = [];

    internal AccessPolicy Policy { get; }

    /// <summary>Interfaces that rules name, with their places; patterns are left out.</summary>
    internal IReadOnlyList<(string Place, string Name)> Interfaces { get; init; } = [];

    /// <summary>Users with limits of their own, with their places.</summary>
    internal IReadOnlyList<(uint User, string Place)> Limited { get; init; } = [];

    /// <summary>With more warnings.</summary>
    internal ServerConfiguration With(IEnumerable<string> warnings) => new(Policy, _others, _limits)
    {
        File = File,
        Rules = Rules,
        Warnings = [.. Warnings, .. warnings],
        Interfaces = Interfaces,
        Limited = Limited,
    };

    /// <param name="user">Whose.</param>
    /// <param name="defaults">For what the configuration does not say.</param>
    internal ResourceLimits LimitsOf(uint user, ResourceLimits defaults)
    {
        ResourceLimits others = _others?.Over(defaults) ?? defaults;
        return _limits.TryGetValue(user, out LimitChanges? own) ? own.Over(others) : others;
    }
}
