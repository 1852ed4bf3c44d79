using Netmap.Access;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>What one user has of the server, and may have. All on the control thread.</summary>
/// <param name="user">uid.</param>
/// <param name="options">The limits.</param>
/// <param name="resources">What it has of the engine.</param>
internal sealed class ClientAccount(uint user, NetmapServerOptions options, ResourceAccount resources)
{
    public ResourceAccount Resources { get; } = resources;
    private const int MostThreads = 64;

    public uint User { get; } = user;

    /// <summary>Of the log.</summary>
    public LogBudget Lines { get; } = new(TimeProvider.System);

    public int Files { get; private set; }

    /// <summary>Beside those that all share.</summary>
    public int Threads { get; private set; }

    /// <summary>Counts a file in; false when the user has as many as allowed.</summary>
    public bool TryOpen()
    {
        if (Files >= options.FilesPerUser)
            return false;
        Files++;
        return true;
    }

    public void Close() => Files--;

    /// <summary>Counts a thread in that works for this user alone, such as one that runs a sync loop; false when there are as many as allowed.</summary>
    public bool TryTakeThread()
    {
        if (Threads >= MostThreads)
            return false;
        Threads++;
        return true;
    }

    /// <summary>Why <see cref="TryTakeThread"/> gave none.</summary>
    public NetmapException NoThread(string operation) =>
        new(Errno.ENOMEM, operation, null, $"user {User} has {Threads} threads here, as many as allowed; stop some");

    /// <summary>The thread has ended.</summary>
    public void ReturnThread() => Threads--;
}
