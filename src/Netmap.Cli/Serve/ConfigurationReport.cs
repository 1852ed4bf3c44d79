using Netmap.Cli.Common;
using Netmap.Server;
using Netmap.Server.Configuration;

namespace Netmap.Cli.Serve;

/// <summary><c>netmap netmapd --check</c>: what a configuration says, and what is wrong with it. Starts nothing.</summary>
internal static class ConfigurationReport
{
    /// <returns>1 when a line makes no sense, or is probably not meant.</returns>
    public static int Run(ConfigurationSource source, NetmapServerOptions options)
    {
        ServerConfiguration found = source.Check(options, out IReadOnlyList<ConfigurationException> wrong);
        foreach (string rule in found.Rules)
            Console.Out.WriteLine(rule);
        if (found.Rules.Count == 0 && wrong.Count == 0)
            Console.Out.WriteLine("no rules: each user has ports of its own, and interfaces are for root and the server's own user");
        foreach (string line in wrong.Select(line => line.Message).Concat(found.Warnings))
            Console.Error.WriteLine(line);
        foreach (string note in source.Notes(found))
            Console.Error.WriteLine($"{note} (a note)");
        return wrong.Count + found.Warnings.Count > 0 ? ExitCode.Failure : ExitCode.Success;
    }
}
