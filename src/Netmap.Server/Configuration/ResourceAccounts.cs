using Netmap.Access;
using Netmap.Control;

namespace Netmap.Server.Configuration;

/// <summary>
/// What users have of the engine, an account for each, with the limits that the configuration sets. Where all clients are one domain, they share
/// the account of the engine's own user.
/// </summary>
/// <param name="engine">Its control lock guards all of this.</param>
/// <param name="options">Limits where the configuration says nothing.</param>
/// <param name="areMany">Users are kept apart.</param>
internal sealed class ResourceAccounts(Engine engine, NetmapServerOptions options, bool areMany)
{
    private readonly Dictionary<uint, ResourceAccount> _byUser = new() { [engine.Owners.Self.User] = engine.Owners.Self.Account };
    private ServerConfiguration _configuration = ServerConfiguration.Default;

    /// <summary>What the options give to each user.</summary>
    public static ResourceLimits Defaults(NetmapServerOptions options) => new()
    {
        Memory = options.MemoryPerUser,
        Memories = options.MemoriesPerUser,
        Rings = options.RingsPerUser,
        Switches = options.SwitchesPerUser,
        Ports = options.PortsPerUser,
        Attachments = options.AttachmentsPerUser,
    };

    /// <summary>The account that pays for a user's processes.</summary>
    public ResourceAccount Of(uint user)
    {
        lock (engine.ControlLock)
        {
            if (!areMany)
                return engine.Owners.Self.Account;
            if (!_byUser.TryGetValue(user, out ResourceAccount? account))
                _byUser.Add(user, account = new ResourceAccount(engine.Policy.Names.NameOf(user)) { Limits = LimitsOf(user) });
            return account;
        }
    }

    /// <summary>From now on these rules and limits hold. What is there already stays, be it allowed no longer or above a limit.</summary>
    public void Apply(ServerConfiguration configuration)
    {
        lock (engine.ControlLock)
        {
            _configuration = configuration;
            engine.Policy = configuration.Policy;
            foreach ((uint user, ResourceAccount account) in _byUser)
                account.Limits = LimitsOf(user);
        }
    }

    /// <summary>Those that hold something.</summary>
    public IReadOnlyList<AccountStatus> Status()
    {
        lock (engine.ControlLock)
            return [.. _byUser.Where(entry => AccountStatus.Holds(entry.Value)).Select(entry => AccountStatus.Of(entry.Key, entry.Value))];
    }

    private ResourceLimits LimitsOf(uint user) => _configuration.LimitsOf(user, Defaults(options));
}
