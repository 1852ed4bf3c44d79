using System.Globalization;

namespace Netmap.Devices;

/// <summary>Sockets by the number that other tools show.</summary>
internal static class SocketInode
{
    private const string Prefix = "socket:[";

    /// <summary>The inode of a socket of this process; 0 where it cannot be told.</summary>
    public static long Of(int descriptor)
    {
        string link = new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget ?? "";
        return link.StartsWith(Prefix, StringComparison.Ordinal) && long.TryParse(link.AsSpan(Prefix.Length).TrimEnd(']'), CultureInfo.InvariantCulture, out long inode)
            ? inode
            : 0;
    }
}
