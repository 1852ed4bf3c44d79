using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// A process that uses an engine. It is held by a pidfd: its number is another process's after its end. One process has one
/// object (<see cref="ClientProcesses"/>), so two that are equal are the same process.
/// </summary>
internal sealed unsafe class ClientProcess
{
    private readonly ClientProcesses? _all;
    private readonly SafeDescriptor? _pidfd;

    /// <param name="number">As this process's namespace numbers it.</param>
    /// <param name="user">Its user when it made its session.</param>
    /// <param name="pidfd">Taken over; null where the kernel has none and the client is trusted all the same.</param>
    /// <param name="all">Keeps it, and is told when nothing refers to it any more; null for this process itself.</param>
    public ClientProcess(int number, uint user, SafeDescriptor? pidfd, ClientProcesses? all) =>
        (Number, User, _pidfd, _all) = (number, user, pidfd, all);

    /// <summary>This process.</summary>
    public static ClientProcess Own { get; } = new(Environment.ProcessId, Unistd.geteuid(), null, null);

    public int Number { get; }

    public uint User { get; }

    /// <summary>Sessions and memories that refer to it; guarded by the lock of <see cref="ClientProcesses"/>.</summary>
    public int References { get; set; } = 1;

    /// <summary>It has not ended, so its number is its own. A pidfd is readable from the process's end on.</summary>
    public bool IsAlive
    {
        get
        {
            if (_pidfd is null)
                return true;
            pollfd look = new() { fd = _pidfd.Fd, events = Poll.POLLIN };
            timespec now = default;
            return Poll.ppoll(&look, 1, &now) is { IsError: false, Value: 0 };
        }
    }

    /// <summary>One reference more, until <see cref="Release"/>.</summary>
    public ClientProcess Keep()
    {
        _all?.Keep(this);
        return this;
    }

    public void Release() => _all?.Release(this);

    /// <summary>Nothing refers to it any more.</summary>
    public void Close() => _pidfd?.Dispose();
}

/// <summary>The processes that use an engine from outside, one object for each as long as something refers to it.</summary>
internal sealed unsafe class ClientProcesses
{
    private readonly Dictionary<int, ClientProcess> _byNumber = [];

    /// <summary>The process that made a socket's other end, with one reference more for the caller.</summary>
    /// <param name="socket">A Unix socket.</param>
    /// <param name="peer">Its SO_PEERCRED.</param>
    /// <param name="trusted">Where the kernel has no pidfds for sockets, the number is good enough.</param>
    /// <param name="problem">EOPNOTSUPP the kernel cannot say for certain (before Linux 6.5); ESRCH the process is gone, or cannot be seen from here; EMFILE.</param>
    /// <returns>Null with <paramref name="problem"/>.</returns>
    public ClientProcess? Take(int socket, ucred peer, bool trusted, out Errno problem)
    {
        problem = Errno.Success;
        if (peer.pid == Environment.ProcessId)
            return ClientProcess.Own;
        int fd;
        uint length = sizeof(int);
        SysResult asked = SysSocket.getsockopt(socket, SysSocket.SOL_SOCKET, SysSocket.SO_PEERPIDFD, &fd, &length);
        if (asked.IsError && !(trusted && asked.Errno == Errno.ENOPROTOOPT))
        {
            problem = asked.Errno switch
            {
                Errno.ENOPROTOOPT => Errno.EOPNOTSUPP,
                Errno.EMFILE or Errno.ENFILE => Errno.EMFILE,
                _ => Errno.ESRCH,
            };
            return null;
        }
        ClientProcess found = new(peer.pid, peer.uid, asked.IsError ? null : new SafeDescriptor(fd), this);
        // Alive after SO_PEERCRED: the number it gave is this process's now, and no other one's.
        if (peer.pid > 0 && found.IsAlive)
            return Single(found);
        found.Close();
        problem = Errno.ESRCH;
        return null;
    }

    public void Keep(ClientProcess process)
    {
        lock (_byNumber)
            process.References++;
    }

    public void Release(ClientProcess process)
    {
        lock (_byNumber)
        {
            if (--process.References > 0)
                return;
            if (_byNumber.GetValueOrDefault(process.Number) == process)
                _byNumber.Remove(process.Number);
        }
        process.Close();
    }

    /// <summary>The one known already, if that is the same: two live processes do not have one number.</summary>
    private ClientProcess Single(ClientProcess found)
    {
        lock (_byNumber)
        {
            if (_byNumber.TryGetValue(found.Number, out ClientProcess? known) && known.User == found.User && known.IsAlive)
            {
                known.References++;
                found.Close();
                return known;
            }
            return _byNumber[found.Number] = found;
        }
    }
}
