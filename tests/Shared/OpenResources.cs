using System.Globalization;

namespace Netmap.Tests;

/// <summary>
/// What this process holds in the kernel that the product may leak: descriptors of sockets, eBPF programs, maps and links, events,
/// namespaces, TAP interfaces and netmap memory, and mappings of them. Files and pipes are the runtime's and child processes'.
/// </summary>
internal sealed class OpenResources
{
    private readonly Dictionary<string, List<string>> _byKind = [];

    private OpenResources()
    {
        foreach (string file in Directory.GetFiles("/proc/self/fd"))
        {
            if (new FileInfo(file).LinkTarget is { } target && KindOf(target) is { } kind)
                Add(kind, Describe(Path.GetFileName(file), target));
        }
        foreach (string line in File.ReadAllLines("/proc/self/maps"))
        {
            string[] words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 6 && KindOf(words[5]) is { } kind)
                Add("mapped " + kind, $"mapping {words[0]} {words[5]}");
        }
    }

    /// <summary>All of it, with numbers and names.</summary>
    public IEnumerable<string> All => _byKind.SelectMany(kind => kind.Value);

    /// <summary>As it is; what finalizers have not closed yet is open.</summary>
    public static OpenResources Now() => new();

    /// <summary>After everything that nobody refers to any more has been closed: what is open then is open for a purpose.</summary>
    public static OpenResources Settled()
    {
        // Twice: a finalizer may be what lets go of another object.
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return new();
    }

    /// <summary>Fails when more is open than was.</summary>
    public void CheckNothingMoreIsOpen()
    {
        string[] more = [.. Now().Beyond(this)];
        Assert.True(more.Length == 0, $"left open: {string.Join("; ", more)}");
    }

    /// <summary>What is new of each kind of which there are more than there were.</summary>
    public IEnumerable<string> Beyond(OpenResources before) => _byKind
        .Where(kind => kind.Value.Count > before.Of(kind.Key).Count)
        .SelectMany(kind => kind.Value.Except(before.Of(kind.Key)));

    private List<string> Of(string kind) => _byKind.GetValueOrDefault(kind) ?? [];

    private void Add(string kind, string description)
    {
        if (!_byKind.TryGetValue(kind, out List<string>? all))
            _byKind.Add(kind, all = []);
        all.Add(description);
    }

    /// <summary>Null for what is not counted.</summary>
    private static string? KindOf(string target) => target switch
    {
        _ when target.StartsWith("anon_inode:", StringComparison.Ordinal) => target,
        // The runtime's own: code that it maps twice, and what its diagnostics speak over.
        _ when target.StartsWith("/memfd:doublemapper", StringComparison.Ordinal) || target.StartsWith("/memfd:dotnet", StringComparison.Ordinal) => null,
        _ when target.StartsWith("/memfd:", StringComparison.Ordinal) => target.Split(' ')[0],
        _ when target.StartsWith("socket:", StringComparison.Ordinal) => "socket",
        _ when target.StartsWith("net:", StringComparison.Ordinal) => "network namespace",
        "/dev/net/tun" => target,
        _ => null,
    };

    /// <summary>The number, what it is, and the kernel's id of an eBPF object.</summary>
    private static string Describe(string number, string target)
    {
        string id = "";
        if (target.Contains("bpf", StringComparison.Ordinal))
        {
            try
            {
                id = string.Concat(File.ReadLines($"/proc/self/fdinfo/{number}").Where(line => line.Contains("_id:", StringComparison.Ordinal))
                    .Select(line => " " + line.Replace("\t", " ", StringComparison.Ordinal)));
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }
        }
        return string.Create(CultureInfo.InvariantCulture, $"{number} {target}{id}");
    }
}
