using Netmap.Interop;

namespace Netmap.Server;

/// <summary>What one user has, and may have. All on the control thread.</summary>
internal sealed class ClientAccount(uint user, NetmapServerOptions options)
{
    private const int MostThreads = 64;

    public uint User { get; } = user;

    /// <summary>Of the log.</summary>
    public LogBudget Lines { get; } = new(TimeProvider.System);

    public int Files { get; private set; }

    /// <summary>Beside those that all share.</summary>
    public int Threads { get; private set; }

    public int Rings { get; private set; }

    public long Memory { get; private set; }

    /// <summary>Counts a file in; false when the user has as many as allowed.</summary>
    public bool TryOpen()
    {
        if (Files >= options.FilesPerUser)
            return false;
        Files++;
        return true;
    }

    public void Close(in Charge charge)
    {
        Files--;
        Rings -= charge.Rings;
        Memory -= charge.Memory;
    }

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

    /// <summary>Asked before memory is touched.</summary>
    /// <exception cref="NetmapException">ENOMEM, naming the limit.</exception>
    public void Check(in Charge charge, string port)
    {
        if (Memory + charge.Memory > options.MemoryPerUser)
            throw new NetmapException(Errno.ENOMEM, "open", port,
                $"user {User} would have {(Memory + charge.Memory) >> 20} MiB of {options.MemoryPerUser >> 20} allowed; close ports, or raise --memory-per-user");
        if (Rings + charge.Rings > options.RingsPerUser)
            throw new NetmapException(Errno.ENOMEM, "open", port,
                $"user {User} would have {Rings + charge.Rings} rings of {options.RingsPerUser} allowed; close ports, or raise --rings-per-user");
    }

    public void Add(in Charge charge)
    {
        Rings += charge.Rings;
        Memory += charge.Memory;
    }
}

/// <summary>What a file's port costs.</summary>
internal readonly record struct Charge(int Rings, long Memory);
