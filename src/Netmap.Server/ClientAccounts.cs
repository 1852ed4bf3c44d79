using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// The users of a server. There are places for so many at a time that what each may have, taken together, is within what the kernel
/// gives. Found and made on the thread that takes connections; read by any.
/// </summary>
internal sealed class ClientAccounts
{
    private readonly Dictionary<uint, ClientThread> _threads = [];
    private readonly SubordinateUsers _owners = new();
    private readonly DescriptorBudget _budget = DescriptorBudget.OfProcess();
    private readonly NetmapServer _server;
    private readonly Lock _lock = new();

    public ClientAccounts(NetmapServer server)
    {
        _server = server;
        Others = new ClientAccount(uint.MaxValue, server.Options, _budget);
    }

    /// <summary>Connections of those who get no place, until they are closed.</summary>
    public ClientAccount Others { get; }

    /// <summary>Those that have a place, with the thread that each one's requests run on.</summary>
    public IReadOnlyList<ClientThread> Threads
    {
        get
        {
            lock (_lock)
                return [.. _threads.Values];
        }
    }

    /// <summary>All descriptors for clients are in use; a connection would take of the engine's.</summary>
    public bool IsFull => _budget.IsSpent;

    /// <summary>Users that can be served at a time, root and the server's own among them, and the account for all others.</summary>
    public static int Places(NetmapServerOptions options) => options.Users + 3;

    /// <summary>The thread of this user; null when there are as many users as allowed.</summary>
    /// <exception cref="OutOfMemoryException">No thread can be started.</exception>
    public ClientThread? Find(uint user)
    {
        uint owner = _owners.OwnerOf(user);
        lock (_lock)
        {
            if (_threads.TryGetValue(owner, out ClientThread? present))
                return present;
            if (!IsPrivileged(owner) && !MakePlace())
                return null;
            ClientAccount account = new(owner, _server.Options, _budget);
            ClientThread made = new(_server, account);
            _threads.Add(owner, made);
            return made;
        }
    }

    private static bool IsPrivileged(uint user) => user == 0 || user == Unistd.geteuid();

    /// <summary>A user who has nothing any more gives way to a new one.</summary>
    private bool MakePlace()
    {
        if (_threads.Count(entry => !IsPrivileged(entry.Key)) < _server.Options.Users)
            return true;
        foreach ((uint user, ClientThread thread) in _threads)
        {
            if (IsPrivileged(user) || !thread.Account.IsIdle)
                continue;
            thread.Stop();
            _threads.Remove(user);
            return true;
        }
        return false;
    }
}
