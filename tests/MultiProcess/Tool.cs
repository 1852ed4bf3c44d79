using Netmap.Links;
using Netmap.Server;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>The netmap tool as a process of its own.</summary>
internal static class Tool
{
    /// <summary>For other users: the tool's own folder may lie under a home that only one can read. Gone with this process.</summary>
    private static readonly Lazy<string> s_copy = new(() =>
    {
        string copy = Directory.CreateTempSubdirectory("netmap-tool").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(copy, recursive: true);
        using NetworkNamespace here = NetworkNamespace.Current();
        Peer.Run(here, "cp", "-r", AppContext.BaseDirectory + "/.", copy);
        Peer.Run(here, "chmod", "-R", "a+rX", copy);
        return copy;
    });

    public static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");

    /// <summary>One of the examples.</summary>
    public static Peer Example(NetworkNamespace space, string name, params string[] arguments) =>
        Peer.Start(space, "dotnet", [System.IO.Path.Combine(AppContext.BaseDirectory, name + ".dll"), .. arguments]);

    public static Peer Start(NetworkNamespace space, params string[] arguments) => Peer.Start(space, "dotnet", [Path, .. arguments]);

    /// <summary>A server that answers by now.</summary>
    public static Peer Serve(NetworkNamespace space, string host, params string[] options) =>
        Answering(Start(space, ["netmapd", "--host", host, .. options]), host);

    /// <summary>Waits until a server that was started answers.</summary>
    public static Peer Answering(Peer server, string host)
    {
        for (int i = 0; i < 1000; i++)
        {
            try
            {
                NetmapHost.Status(host);
                return server;
            }
            catch (NetmapException)
            {
                Thread.Sleep(20);
            }
        }
        server.Dispose();
        Assert.Fail("the server does not answer");
        return server;
    }

    /// <summary>The tool as nobody. Needs root.</summary>
    public static string RunAsNobody(NetworkNamespace space, params string[] arguments)
    {
        using Peer tool = StartAsNobody(space, arguments);
        return tool.Finish();
    }

    /// <inheritdoc cref="RunAsNobody"/>
    public static Peer StartAsNobody(NetworkNamespace space, params string[] arguments) =>
        Peer.Start(space, "setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups",
            "env", "HOME=/tmp", "dotnet", System.IO.Path.Combine(s_copy.Value, "netmap-cli.dll"), .. arguments]);

    public static string Run(NetworkNamespace space, params string[] arguments) => Peer.Run(space, "dotnet", [Path, .. arguments]);
}
