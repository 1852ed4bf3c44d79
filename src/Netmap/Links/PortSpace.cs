namespace Netmap.Links;

/// <summary>Which network namespace a name is meant in.</summary>
internal static class PortSpace
{
    /// <summary>The calling thread's namespace, as the kernel names it: <c>net:[4026531840]</c>.</summary>
    public static string Current() =>
        File.ResolveLinkTarget("/proc/thread-self/ns/net", returnFinalTarget: false)?.Name ?? "";
}
