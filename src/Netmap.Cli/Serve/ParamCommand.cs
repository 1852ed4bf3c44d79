using System.CommandLine;
using System.Text.Json.Nodes;
using Netmap.Cli.Common;
using Netmap.Server;

namespace Netmap.Cli.Serve;

/// <summary><c>netmap param</c>: the parameters of a running server, as /sys/module/netmap/parameters has the reference's.</summary>
internal static class ParamCommand
{
    public static Command Create()
    {
        Argument<string?> assignment = new("name") { Description = "NAME to read one, NAME=VALUE to set it; all without", Arity = ArgumentArity.ZeroOrOne };
        Option<string> host = ServeOptions.Host("the server's address");
        Option<bool> json = new("--json") { Description = "one JSON object" };
        Command command = new("param", "Read and set the parameters of a running netmapd.") { assignment, host, json };
        command.SetAction(parsed =>
        {
            string text = NetmapHost.Parameter(parsed.GetRequiredValue(host), parsed.GetValue(assignment) ?? "");
            if (!parsed.GetValue(json))
            {
                Console.Out.WriteLine(text);
                return ExitCode.Success;
            }
            JsonObject all = [];
            foreach (string[] pair in text.Split('\n').Select(line => line.Split('=')))
                all[pair[0]] = long.Parse(pair[1]);
            Console.Out.WriteLine(all.ToJsonString());
            return ExitCode.Success;
        });
        return command;
    }
}
