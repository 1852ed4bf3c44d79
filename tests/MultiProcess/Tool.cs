using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>The netmap tool as a process of its own.</summary>
internal static class Tool
{
    public static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");

    /// <summary>One of the examples.</summary>
    public static Peer Example(NetworkNamespace space, string name, params string[] arguments) =>
        Peer.Start(space, "dotnet", [System.IO.Path.Combine(AppContext.BaseDirectory, name + ".dll"), .. arguments]);

    public static Peer Start(NetworkNamespace space, params string[] arguments) => Peer.Start(space, "dotnet", [Path, .. arguments]);

    public static string Run(NetworkNamespace space, params string[] arguments) => Peer.Run(space, "dotnet", [Path, .. arguments]);
}
