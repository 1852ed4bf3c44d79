using System.Globalization;

namespace Netmap.Server;

/// <summary>What the kernel gives this process, and whether it is enough for what a server grants.</summary>
internal static class KernelLimits
{
    /// <summary>Mappings of the engine and the runtime: regions, rings of sockets, heaps, libraries.</summary>
    private const int OwnMappings = 8192;

    /// <summary>Threads of the runtime, the workers' beside.</summary>
    private const int OwnThreads = 64;

    /// <summary>A thread's stack and its guard, and what the allocator of its C library adds.</summary>
    private const int MappingsPerThread = 4;

    /// <summary>Descriptors that this process may have (RLIMIT_NOFILE).</summary>
    public static long Descriptors { get; } = OfProcess("Max open files");

    /// <summary>One line for each limit that all users together could reach, with what to lower.</summary>
    public static IEnumerable<string> Shortages(NetmapServerOptions options, int workers) =>
        Shortages(options, workers, Descriptors, ReadNumber("/proc/sys/vm/max_map_count"), Threads());

    /// <inheritdoc cref="Shortages(NetmapServerOptions, int)"/>
    public static IEnumerable<string> Shortages(NetmapServerOptions options, int workers, long descriptors, long mappings, long threads)
    {
        long users = ClientAccounts.Places(options);
        long perUser = options.ThreadsPerUser + DescriptorCloser.MostThreads + 1L;
        long needed = (users * options.DescriptorsPerUser) + DescriptorBudget.Reserve;
        if (needed > descriptors)
            yield return Line("descriptors", users, needed, descriptors, "--descriptors-per-user or --users, or raise LimitNOFILE");
        needed = (users * (options.SessionsPerUser + (perUser * MappingsPerThread))) + OwnMappings;
        if (needed > mappings)
            yield return Line("mappings", users, needed, mappings, "--sessions-per-user or --users, or raise vm.max_map_count");
        needed = (users * perUser) + workers + OwnThreads;
        if (needed > threads)
            yield return Line("threads", users, needed, threads, "--threads-per-user or --users, or raise TasksMax");
    }

    private static string Line(string what, long users, long needed, long given, string remedy) => string.Create(CultureInfo.InvariantCulture,
        $"{users} users could need {needed} {what}, and this process may have {given}; lower {remedy}");

    private static long Threads() => Math.Min(Math.Min(ReadNumber("/proc/sys/kernel/threads-max"), OfProcess("Max processes")), OfGroup());

    /// <summary>pids.max of the control group we are in and of those above it.</summary>
    private static long OfGroup()
    {
        long least = long.MaxValue;
        string? path = Lines("/proc/self/cgroup").FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?[3..];
        for (; path is { Length: > 1 }; path = Path.GetDirectoryName(path))
            least = Math.Min(least, ReadNumber($"/sys/fs/cgroup{path}/pids.max"));
        return least;
    }

    private static long OfProcess(string name)
    {
        string? line = Lines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return Number(line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);
    }

    private static long ReadNumber(string path) => Number(Lines(path).FirstOrDefault());

    /// <summary>What is no number is "unlimited" or "max".</summary>
    private static long Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : long.MaxValue;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
