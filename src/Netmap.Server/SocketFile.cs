using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>The file of a listening socket: its permissions, and what a server that was killed left behind.</summary>
internal static class SocketFile
{
    /// <summary>Listens at the options' address.</summary>
    /// <exception cref="NetmapException">EADDRINUSE another server is there, EEXIST something else; EACCES, ENOENT.</exception>
    public static MessageSocket Listen(NetmapServerOptions options)
    {
        if (options.Host.StartsWith('@'))
        {
            return options.Group is null
                ? MessageSocket.Listen(options.Host)
                : throw new NetmapException(Errno.EINVAL, "listen", options.Host, "an abstract address has no group; choose a path");
        }
        if (Path.Exists(options.Host) && !IsSocket(options.Host))
            throw new NetmapException(Errno.EEXIST, "listen", options.Host, "something that is no socket is there; choose another path");
        if (IsDead(options.Host))
            File.Delete(options.Host);
        MessageSocket listener = MessageSocket.Listen(options.Host);
        try
        {
            if (options.Group is { } group)
                SetGroup(options.Host, group);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(options.Host, options.Mode);
            return listener;
        }
        catch
        {
            listener.Dispose();
            Remove(options.Host);
            throw;
        }
    }

    /// <summary>Removes the file, if it is one.</summary>
    public static void Remove(string host)
    {
        if (!host.StartsWith('@'))
            File.Delete(host);
    }

    /// <summary>A refused connection does not tell: any other file refuses, too. But only a socket cannot be opened at all.</summary>
    private static bool IsSocket(string path)
    {
        SysResult opened = Fcntl.open(path, Fcntl.O_RDONLY | Fcntl.O_NONBLOCK | Fcntl.O_CLOEXEC);
        if (!opened.IsError)
            Unistd.close(opened.Int32);
        return opened.IsError && opened.Errno == Errno.ENXIO;
    }

    private static bool IsDead(string path)
    {
        if (!File.Exists(path))
            return false;
        try
        {
            MessageSocket.Connect(path).Dispose();
            return false;
        }
        catch (NetmapException refused) when (refused.Errno == Errno.ECONNREFUSED)
        {
            return true;
        }
    }

    private static void SetGroup(string path, string group)
    {
        string? entry = File.ReadLines("/etc/group").FirstOrDefault(line => line.StartsWith(group + ":", StringComparison.Ordinal));
        if (entry is null)
            throw new NetmapException(Errno.EINVAL, "serve", path, $"there is no group {group}; groupadd {group}");
        SysResult changed = Unistd.chown(path, uint.MaxValue, uint.Parse(entry.Split(':')[2]));
        if (changed.IsError)
            throw new NetmapException(changed.Errno, "serve", path, $"the socket cannot be given to group {group}");
    }
}
