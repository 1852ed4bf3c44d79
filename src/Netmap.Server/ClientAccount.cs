using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>What one user has of the server itself, and may have; what of the engine, its own accounts say. Any thread.</summary>
internal sealed class ClientAccount
{
    /// <summary>A session's doorbell, and what names its process and its memory; its socket came as a descriptor and counts as one.</summary>
    private const int DescriptorsPerSession = 3;

    /// <summary>A worker's or a sync loop's, to sleep on.</summary>
    private const int DescriptorsPerThread = 4;

    private readonly Lock _lock = new();
    private readonly NetmapServerOptions _options;
    private readonly DescriptorBudget _all;

    /// <param name="user">Whose.</param>
    /// <param name="options">What each user may have.</param>
    /// <param name="all">What all users may have together.</param>
    public ClientAccount(uint user, NetmapServerOptions options, DescriptorBudget all)
    {
        (User, _options, _all) = (user, options, all);
        Closer = new DescriptorCloser(this);
    }

    public uint User { get; }

    /// <summary>Closes what the user's processes sent.</summary>
    public DescriptorCloser Closer { get; }

    /// <summary>Of the log.</summary>
    public LogBudget Lines { get; } = new(TimeProvider.System);

    public int Files { get; private set; }

    public int Sessions { get; private set; }

    /// <summary>Held for the user: connections, sessions, and what is still to be closed.</summary>
    public int Descriptors { get; private set; }

    /// <summary>Beside the one for requests and those that close.</summary>
    public int Threads { get; private set; }

    /// <summary>
    /// Connections are refused, and even what refusing leaves to close is not closed: the user holds up all closing threads.
    /// </summary>
    public bool IsSwamped => Descriptors > _options.DescriptorsPerUser + 64L;

    /// <summary>Nothing is held for this user.</summary>
    public bool IsIdle => (Files, Sessions, Descriptors, Threads) == (0, 0, 0, 0);

    /// <summary>
    /// Takes charge of a descriptor that came from a client. It is there already, so it is counted whatever the quota is; see
    /// <see cref="TryReserve"/> for not letting it come.
    /// </summary>
    public ForeignDescriptor Own(int fd)
    {
        _all.Take(1);
        lock (_lock)
            Descriptors++;
        return new ForeignDescriptor(fd, Closer);
    }

    /// <summary>Counts descriptors in before they come; false when the user may not have so many more, or the process.</summary>
    public bool TryReserve(int count)
    {
        lock (_lock)
        {
            if (!HasRoom(count) || !_all.TryTake(count))
                return false;
            Descriptors += count;
            return true;
        }
    }

    /// <summary>So many are closed, or did not come.</summary>
    public void Release(int count)
    {
        _all.Give(count);
        lock (_lock)
            Descriptors -= count;
    }

    /// <summary>Counts a file in.</summary>
    /// <returns>Null; or why not, naming the option.</returns>
    public string? TryOpen()
    {
        lock (_lock)
        {
            if (Files >= _options.FilesPerUser)
                return $"user {User} has {Files} files open, as many as allowed; close some, or raise --files-per-user";
            // What is left is for the messages of the files that are open.
            if (!HasRoom(1 + MessageSocket.MostDescriptors))
                return Full("close some");
            Files++;
            return null;
        }
    }

    public void Close()
    {
        lock (_lock)
            Files--;
    }

    /// <summary>Counts a session in, and what it needs.</summary>
    /// <exception cref="NetmapException">EMFILE, naming the option.</exception>
    public void TakeSession()
    {
        lock (_lock)
        {
            if (Sessions >= _options.SessionsPerUser)
                throw new NetmapException(Errno.EMFILE, "attach", null,
                    $"user {User} has {Sessions} sessions, as many as allowed; close files, or raise --sessions-per-user");
            if (!HasRoom(DescriptorsPerSession + MessageSocket.MostDescriptors) || !_all.TryTake(DescriptorsPerSession))
                throw new NetmapException(Errno.EMFILE, "attach", null, Full("close files"));
            Sessions++;
            Descriptors += DescriptorsPerSession;
        }
    }

    public void ReturnSession()
    {
        lock (_lock)
            Sessions--;
        Release(DescriptorsPerSession);
    }

    /// <summary>Counts in a thread that works for this user alone, such as one of a sync loop; false when there are as many as allowed.</summary>
    public bool TryTakeThread()
    {
        lock (_lock)
        {
            if (Threads >= _options.ThreadsPerUser || !HasRoom(DescriptorsPerThread + MessageSocket.MostDescriptors)
                || !_all.TryTake(DescriptorsPerThread))
                return false;
            Descriptors += DescriptorsPerThread;
            Threads++;
            return true;
        }
    }

    /// <summary>Why <see cref="TryTakeThread"/> gave none.</summary>
    public NetmapException NoThread(string operation) =>
        new(Errno.ENOMEM, operation, null, $"user {User} has {Threads} threads here, as many as allowed; stop some, or raise --threads-per-user");

    /// <summary>The thread has ended.</summary>
    public void ReturnThread()
    {
        lock (_lock)
            Threads--;
        Release(DescriptorsPerThread);
    }

    private string Full(string remedy) =>
        $"user {User} has {Descriptors} descriptors of {_options.DescriptorsPerUser} here; {remedy}, or raise --descriptors-per-user";

    private bool HasRoom(int count) => (long)Descriptors + count <= _options.DescriptorsPerUser;
}
