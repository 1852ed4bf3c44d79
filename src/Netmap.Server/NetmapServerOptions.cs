using Netmap.Server.Configuration;

namespace Netmap.Server;

/// <summary>How a server runs, and what it grants.</summary>
public sealed record NetmapServerOptions
{
    /// <summary>Where clients reach it: a path, or <c>@name</c> for an abstract address, which admits the server's own user and root.</summary>
    public required string Host { get; init; }

    /// <summary>Who may connect to a path, beside its owner: a group's name; null leaves the group as it is.</summary>
    public string? Group { get; init; }

    /// <summary>Permissions of the socket at a path.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Threads that sync for clients; 0 for half of the processors. The files are dealt out to them.</summary>
    public int Workers { get; init; }

    /// <summary>How long a worker and a client look for each other without giving up the processor.</summary>
    public TimeSpan Spin { get; init; } = TimeSpan.FromMicroseconds(2);

    /// <summary>How long they then look while letting others run, before they sleep.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMicroseconds(50);

    /// <summary>
    /// Users served at a time, root and the server's own user beside: what each may have times their number has to be within what the kernel gives.
    /// </summary>
    public int Users { get; init; } = 16;

    /// <summary>Open files each user may have.</summary>
    public int FilesPerUser { get; init; } = 256;

    /// <summary>Sessions (threads at a time) each open file may have, 64 at most.</summary>
    public int SessionsPerFile { get; init; } = 64;

    /// <summary>Sessions of all files each user may have.</summary>
    public int SessionsPerUser { get; init; } = 512;

    /// <summary>Descriptors the server holds for each user at most: connections, sessions, and those sent that are not closed yet.</summary>
    public int DescriptorsPerUser { get; init; } = 3000;

    /// <summary>Threads that work for one user alone, such as those of sync loops.</summary>
    public int ThreadsPerUser { get; init; } = 32;

    /// <summary>
    /// Bytes of memory each user may have: each region once and as a whole, be it a port's own, the one that the user's interfaces
    /// share, or lent by a program. That of the server's own user's interfaces does not count.
    /// </summary>
    public long MemoryPerUser { get; init; } = 1L << 30;

    /// <summary>Regions of memory each user may have.</summary>
    public int MemoriesPerUser { get; init; } = 512;

    /// <summary>Rings each user may have bound.</summary>
    public int RingsPerUser { get; init; } = 1024;

    /// <summary>Switches each user may have made.</summary>
    public int SwitchesPerUser { get; init; } = 8;

    /// <summary>Persistent ports each user may have.</summary>
    public int PortsPerUser { get; init; } = 64;

    /// <summary>Interfaces each user may have on switches.</summary>
    public int AttachmentsPerUser { get; init; } = 16;

    /// <summary>What the administrator has decided of users, and limits of some that are other than those above.</summary>
    public ServerConfiguration Configuration { get; init; } = ServerConfiguration.Default;

    /// <summary>
    /// Clients may lend memory that they could take away again (EXTMEM on files that are not sealed): for a server that one program has to itself.
    /// </summary>
    public bool TrustsClients { get; init; }

    /// <summary>The service manager hears at least this often that the server is at work (<see cref="ServiceNotification.Alive"/>); null: never.</summary>
    public TimeSpan? Watchdog { get; init; }
}
