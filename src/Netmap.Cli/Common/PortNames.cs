namespace Netmap.Cli.Common;

/// <summary>Names of ports as tools take them.</summary>
internal static class PortNames
{
    /// <summary>A bare name is an interface's.</summary>
    public static string Full(string given) => given.Contains(':') ? given : "netmap:" + given;

    /// <summary>One ring of a port: <c>netmap:eth0-1/x@2</c>. Flags and options come behind it.</summary>
    public static string Ring(string name, int ring)
    {
        int end = name.IndexOfAny(['/', '@']);
        return end < 0 ? $"{name}-{ring}" : $"{name[..end]}-{ring}{name[end..]}";
    }
}
