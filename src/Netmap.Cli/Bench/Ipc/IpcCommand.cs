using System.CommandLine;
using Netmap.Cli.Common;
using Netmap.Server;

namespace Netmap.Cli.Bench.Ipc;

/// <summary><c>netmap bench ipc</c>: two client processes and the server between them.</summary>
internal static class IpcCommand
{
    private static readonly string[] s_cases = ["pipe-net", "vale-net", "roundtrip-awake", "roundtrip-asleep", "roundtrip-pipe"];

    public static Command Create()
    {
        Argument<string[]> cases = new("case") { Description = string.Join(", ", s_cases), Arity = ArgumentArity.ZeroOrMore };
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<double> seconds = new("--seconds") { Description = "length of a round", DefaultValueFactory = _ => 3 };
        Option<int> batch = new("--batch", "-b") { Description = "frames a sync", DefaultValueFactory = _ => 512 };
        Command command = new("ipc", "Measure ports of a server between two processes.") { cases, json, seconds, batch };
        command.SetAction(parsed =>
        {
            string[] chosen = parsed.GetValue(cases) is { Length: > 0 } some ? some : s_cases;
            foreach (string name in chosen)
                Run(name, TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(batch));
            return ExitCode.Success;
        });
        return command;
    }

    private static void Run(string name, TimeSpan window, int batch)
    {
        using NetmapEngine engine = new();
        using NetmapServer server = new(engine, new() { Host = $"@netmap-bench-{Environment.ProcessId}" });
        string host = server.Options.Host;
        IpcReport[] reports = name switch
        {
            "pipe-net" => Pair(host, "netmap:ipc{1", "tx", "netmap:ipc}1", "rx", window, batch),
            "vale-net" => Pair(host, "vale0:a", "tx", "vale0:b", "rx", window, batch),
            "roundtrip-pipe" => Pair(host, "netmap:ipc{1", "ping", "netmap:ipc}1", "pong", window, batch),
            "roundtrip-awake" => [Alone(host, "awake", window)],
            "roundtrip-asleep" => [Alone(host, "asleep", window)],
            _ => throw new UsageException($"{name}: {string.Join(", ", s_cases)}"),
        };
        Output.Json(new { Case = name, Reports = reports, server.GetStatus().Syncs });
    }

    private static IpcReport Alone(string host, string role, TimeSpan window)
    {
        using IpcClient client = new(host, "vale0:a", role, window, 1);
        client.Go();
        return client.Report();
    }

    private static IpcReport[] Pair(string host, string first, string role, string second, string otherRole, TimeSpan window, int batch)
    {
        using IpcClient one = new(host, first, role, window, batch);
        using IpcClient two = new(host, second, otherRole, window, batch);
        two.Go();
        one.Go();
        return [one.Report(), two.Report()];
    }
}
