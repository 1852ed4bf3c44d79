using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace Netmap.Tests.Schedules;

/// <summary>Loads the instrumented copies in place of the assemblies under test, which are kept in a folder beside the tests.</summary>
internal static class Loader
{
    private static readonly string[] s_woven = ["Netmap", "Netmap.Server"];

    [ModuleInitializer]
    internal static void Install() => AssemblyLoadContext.Default.Resolving += Resolve;

    /// <summary>Instruments what no test has used yet.</summary>
    public static void LoadAll() => Array.ForEach(s_woven, static name => Assembly.Load(name));

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "plain", $"{name.Name}.dll");
        if (!File.Exists(path))
            return null;
        return s_woven.Contains(name.Name) ? context.LoadFromStream(Weaver.Weave(path)) : context.LoadFromAssemblyPath(path);
    }
}
