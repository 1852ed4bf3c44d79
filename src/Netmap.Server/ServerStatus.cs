namespace Netmap.Server;

/// <summary>A server at one moment.</summary>
public sealed record ServerStatus
{
    /// <summary>Open files.</summary>
    public required IReadOnlyList<FileStatus> Files { get; init; }

    /// <summary>What the server holds for each user, beside what is the engine's.</summary>
    public required IReadOnlyList<UserStatus> Users { get; init; }

    /// <summary>Open files after those listed; 0 unless the answer was too long for one message.</summary>
    public int More { get; init; }

    /// <summary>What users have of the engine, and may have.</summary>
    public required IReadOnlyList<AccountStatus> Accounts { get; init; }

    /// <summary>Open files each user may have.</summary>
    public required int FilesPerUser { get; init; }

    /// <summary>Syncs done so far.</summary>
    public required long Syncs { get; init; }

    /// <summary>Requests answered so far.</summary>
    public required long Requests { get; init; }

    /// <summary>Messages that made no sense so far.</summary>
    public required long Malformed { get; init; }

    internal static ServerStatus Of(NetmapServer server) => new()
    {
        Files = [.. server.Files.Select(file => new FileStatus
        {
            Process = file.Opener.pid,
            User = file.Opener.uid,
            UserName = server.Engine.Policy.Names.NameOf(file.Opener.uid),
            Port = file.File.Registration?.Adapter.Name,
            Owner = file.File.Registration?.Adapter.Owner.Name,
            SharedWith = file.File.Registration?.Adapter.SharedWith.ToString(),
            Sessions = file.Sessions,
            Rings = file.File.Registration?.Rings ?? 0,
            Memory = file.File.Registration?.Memory.Bytes ?? 0,
        })],
        Users = [.. server.Accounts.Threads.Select(thread => UserStatus.Of(thread.Account))],
        FilesPerUser = server.Options.FilesPerUser,
        Accounts = server.Resources.Status(),
        Syncs = server.Workers.Sum(worker => worker.Served),
        Requests = server.Counts.Answered,
        Malformed = server.Counts.Malformed,
    };
}

/// <summary>An open file of a server.</summary>
public sealed record FileStatus
{
    /// <summary>The process that opened it.</summary>
    public required int Process { get; init; }

    /// <summary>That process's user.</summary>
    public required uint User { get; init; }

    /// <summary>That user's name, or its number.</summary>
    public required string UserName { get; init; }

    /// <summary>The port it is bound to, or null.</summary>
    public required string? Port { get; init; }

    /// <summary>The user whose port that is, or null.</summary>
    public required string? Owner { get; init; }

    /// <summary>Who else may open that port, as its owner said; null without a port.</summary>
    public required string? SharedWith { get; init; }

    /// <summary>Sessions.</summary>
    public required int Sessions { get; init; }

    /// <summary>Rings bound.</summary>
    public required int Rings { get; init; }

    /// <summary>Bytes charged to the user.</summary>
    public required long Memory { get; init; }
}

/// <summary>What a server holds for one user.</summary>
public sealed record UserStatus
{
    /// <summary>The user; one who has subordinate user ids stands for those, too.</summary>
    public required uint User { get; init; }

    /// <summary>Open files.</summary>
    public required int Files { get; init; }

    /// <summary>Sessions of all files.</summary>
    public required int Sessions { get; init; }

    /// <summary>Descriptors: connections, sessions, and those that are being closed.</summary>
    public required int Descriptors { get; init; }

    /// <summary>Threads that work for this user alone: one for requests, those of sync loops, those that close descriptors.</summary>
    public required int Threads { get; init; }

    internal static UserStatus Of(ClientAccount account) => new()
    {
        User = account.User,
        Files = account.Files,
        Sessions = account.Sessions,
        Descriptors = account.Descriptors,
        Threads = 1 + account.Threads + account.Closer.Threads,
    };
}
