using Netmap.Access;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// On whose behalf a client's requests are made. A server that only one user can reach, beside root, is one domain as a process of its
/// own is: all that is made there is the server's own user's, and nothing is refused.
/// </summary>
internal sealed class Callers(Engine engine, NetmapServerOptions options)
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Clients of several users come in: they are kept apart.</summary>
    public bool AreMany { get; } = !options.TrustsClients && !options.Host.StartsWith('@') && (options.Mode & Others) != 0;

    /// <param name="socket">As its client connected it.</param>
    /// <param name="account">Who pays for the client's user.</param>
    public Caller Of(MessageSocket socket, ResourceAccount account)
    {
        if (!AreMany)
            return engine.Own;
        ucred peer = socket.Peer();
        Credentials who = new(peer.uid, socket.PeerGroups(peer.gid));
        lock (engine.ControlLock)
        {
            Owner owner = engine.Owners.Get(who, _ => account, engine.Policy.Names);
            return new Caller(engine, owner, who);
        }
    }
}
