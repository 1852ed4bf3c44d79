namespace Netmap.Cli.Common;

/// <summary>Names of ports as tools take them.</summary>
internal static class PortNames
{
    /// <summary>A bare name is an interface's.</summary>
    public static string Full(string given) => given.Contains(':') ? given : "netmap:" + given;
}
