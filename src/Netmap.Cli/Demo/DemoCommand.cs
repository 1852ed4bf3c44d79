using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Demo;

/// <summary><c>netmap demo</c>: the main job on a fresh machine, in namespaces of its own.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "progress to stderr, one JSON object at the end" };
        Option<long> frames = new("--frames") { Description = "frames each way", DefaultValueFactory = _ => 500_000 };
        Option<int> pings = new("--pings") { Description = "ICMP echo requests", DefaultValueFactory = _ => 1000 };
        Command command = new("demo", "Two namespaces, a veth pair: pkt-gen both ways, then ping answered through netmap.") { json, frames, pings };
        command.SetAction(parsed =>
        {
            if (UserNamespace.TryReenter(out int code))
                return code;
            return new DemoRun(parsed.GetValue(frames), parsed.GetValue(pings), parsed.GetValue(json)).Execute();
        });
        return command;
    }
}
