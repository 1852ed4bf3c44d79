namespace Netmap.Tests.Schedules;

/// <summary>What goes wrong at a place when a test breaks it on purpose.</summary>
public enum Fault : byte
{
    /// <summary>As written.</summary>
    None,

    /// <summary>The operation is done, and orders nothing: an exchange is a plain load and a plain store, a barrier is not there, a release a plain store.</summary>
    NoFence,

    /// <summary>Other threads may come between the load and the store of an atomic operation.</summary>
    NotAtomic,

    /// <summary>The store does not happen.</summary>
    NoStore,

    /// <summary>A load says 0, false or null.</summary>
    ReadsZero,
}

/// <summary>The instrumented places of the code under test.</summary>
internal static class Sites
{
    private static readonly List<string> s_names = ["elsewhere"];
    private static readonly Fault[] s_faults = new Fault[1 << 16];

    public static string NameOf(int site) => s_names[site];

    public static Fault FaultAt(int site) => s_faults[site];

    public static int Add(string name)
    {
        lock (s_names)
        {
            s_names.Add(name);
            return s_names.Count - 1;
        }
    }

    /// <summary>Breaks the one place of this name; of several names with bars between, the first that is there.</summary>
    public static void Break(string name, Fault fault)
    {
        int site = name.Split('|').Select(one => s_names.IndexOf(one)).FirstOrDefault(one => one >= 0, -1);
        if (site < 0)
            throw new ArgumentException($"no place {name}; near it: {string.Join(", ", s_names.Where(other => other.StartsWith(name.Split(':')[0], StringComparison.Ordinal)))}");
        s_faults[site] = fault;
    }

    public static void MendAll() => Array.Clear(s_faults);
}
