using Netmap.Access;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>A server at a path that all users may connect to, with two of them.</summary>
internal sealed class ManyUsers : IDisposable
{
    public const uint Alice = 30_001;
    public const uint Bob = 30_002;
    public const uint Team = 30_100;

    private readonly string _folder = Directory.CreateTempSubdirectory("netmap-users-").FullName;

    public ManyUsers(Func<NetmapServerOptions, NetmapServerOptions>? change = null)
    {
        // Others must get through the folder to the socket.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        Server = new TestServer(options =>
        {
            NetmapServerOptions open = options with { Host = Path.Combine(_folder, "s"), Mode = (UnixFileMode)0b110_110_110 };
            return change?.Invoke(open) ?? open;
        });
        Server.Engine.AddMemoryPair("e0", "e1");
    }

    public TestServer Server { get; }

    /// <summary>A port opened by a user's process.</summary>
    public NetmapPort Open(uint user, string name, NetmapPortOptions? options = null) => UserThread.Run(user, () => Server.Open(name, options));

    /// <summary>The refusal of a user's request.</summary>
    public NetmapException Refused(uint user, Action request) => UserThread.Run(user, () => Assert.Throws<NetmapException>(request));

    public NetmapException Refused(uint user, string name, NetmapPortOptions? options = null) =>
        Refused(user, () => Server.Open(name, options).Dispose());

    public T Switches<T>(uint user, Func<HostSwitches, T> request) => UserThread.Run(user, () =>
    {
        using HostSwitches switches = new(Server.Host);
        return request(switches);
    });

    /// <summary>What the administrator allows, as lines of subject, name and users.</summary>
    public void Allow(params (AccessSubject Subject, string Name, string Users)[] rules)
    {
        UserNames names = new();
        lock (Server.Engine.Core.ControlLock)
        {
            Server.Engine.Core.Policy = new AccessPolicy(UserList.None,
                rules.Select(rule => new AccessRule(rule.Subject, rule.Name, UserList.Parse(rule.Users, names))), names);
        }
    }

    public void Dispose()
    {
        Server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
