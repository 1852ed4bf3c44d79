using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Serve;

/// <summary>Options of the commands that host an engine for others, or reach one.</summary>
internal static class ServeOptions
{
    public static Option<string[]> Set() => new("--set")
    {
        Description = "a parameter of the engine, NAME=VALUE, such as buf_size=4096; `netmap param` lists them",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>Where a server is: NETMAP_HOST, or where `netmapd` is by default.</summary>
    public static Option<string> Host(string description) => new("--host")
    {
        Description = description,
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("NETMAP_HOST") ?? Server.NetmapHost.Default,
    };

    /// <summary>An engine with these parameters.</summary>
    /// <exception cref="UsageException">Not NAME=VALUE.</exception>
    public static NetmapEngine Engine(string[]? assignments)
    {
        NetmapEngine engine = new();
        foreach (string assignment in assignments ?? [])
        {
            string[] parts = assignment.Split('=', 2);
            if (parts.Length != 2 || !long.TryParse(parts[1], out long value))
                throw new UsageException($"--set {assignment}: NAME=VALUE, the value a number");
            engine.SetParameter(parts[0], value);
        }
        return engine;
    }
}
