using Netmap.Access;

namespace Netmap.Server;

/// <summary>What one user has of the server, and may have. All on the control thread.</summary>
/// <param name="user">uid.</param>
/// <param name="options">The limits.</param>
/// <param name="resources">What it has of the engine.</param>
internal sealed class ClientAccount(uint user, NetmapServerOptions options, ResourceAccount resources)
{
    public ResourceAccount Resources { get; } = resources;

    public uint User { get; } = user;

    /// <summary>Of the log.</summary>
    public LogBudget Lines { get; } = new(TimeProvider.System);

    public int Files { get; private set; }

    /// <summary>Counts a file in; false when the user has as many as allowed.</summary>
    public bool TryOpen()
    {
        if (Files >= options.FilesPerUser)
            return false;
        Files++;
        return true;
    }

    public void Close() => Files--;
}
