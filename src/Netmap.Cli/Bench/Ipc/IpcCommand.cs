using System.CommandLine;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;
using Netmap.Server;

namespace Netmap.Cli.Bench.Ipc;

/// <summary><c>netmap bench ipc</c>: two client processes and the server between them, beside DPDK's net_memif in the same run.</summary>
internal static class IpcCommand
{
    private const int Rounds = 3;
    private const string Pipe = "pipe-net";
    private const string Vale = "vale-net";
    private static readonly string[] s_cases = [Pipe, Vale, "roundtrip-awake", "roundtrip-asleep", "roundtrip-pipe"];

    public static Command Create()
    {
        Argument<string[]> cases = new("case") { Description = $"{string.Join(", ", s_cases)}; all without", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> json = new("--json") { Description = "one JSON object a case" };
        Option<double> seconds = new("--seconds") { Description = "length of a round", DefaultValueFactory = _ => 2 };
        Option<int> batch = new("--batch", "-b") { Description = "frames a sync", DefaultValueFactory = _ => 512 };
        Command command = new("ipc", "Measure ports of a server between two processes, against DPDK's net_memif.") { cases, json, seconds, batch };
        command.SetAction(parsed =>
        {
            string[] chosen = parsed.GetValue(cases) is { Length: > 0 } some ? some : s_cases;
            if (chosen.FirstOrDefault(name => !s_cases.Contains(name)) is { } unknown)
                throw new UsageException($"{unknown}: none of {string.Join(", ", s_cases)}");
            TimeSpan window = TimeSpan.FromSeconds(parsed.GetValue(seconds));
            foreach (string name in chosen)
                (name is Pipe or Vale ? Rate(name, window, parsed.GetValue(batch)) : Latency(name, window)).Write(parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Rounds of ours and of the peer's by turns, and the medians.</summary>
    private static IpcResult Rate(string name, TimeSpan window, int batch)
    {
        using MemifPeer memif = new();
        SoftwareCase @case = new(60, batch, 2);
        List<(IpcReport Sent, IpcReport Received)> ours = [];
        List<double> peer = [];
        for (int i = 0; i < Rounds; i++)
        {
            ours.Add(name == Pipe ? Pair("netmap:ipc{1", "tx", "netmap:ipc}1", "rx", window, batch) : Pair("vale0:a", "tx", "vale0:b", "rx", window, batch));
            if (memif.Measure(@case, window) is { } round)
                peer.Add(round.Mpps);
        }
        (IpcReport sent, IpcReport received) = ours.OrderBy(round => round.Received.Mpps).ElementAt(Rounds / 2);
        return new(name, received, sent, peer.Count > 0 ? peer.Order().ElementAt(peer.Count / 2) : null, batch);
    }

    private static IpcResult Latency(string name, TimeSpan window)
    {
        if (name == "roundtrip-pipe")
        {
            (IpcReport pong, IpcReport ping) = Pair("netmap:ipc{1", "pong", "netmap:ipc}1", "ping", window, 1);
            return new(name, ping, pong, null, 1);
        }
        using NetmapEngine engine = new();
        using NetmapServer server = Start(engine);
        using IpcClient client = new(server.Options.Host, "vale0:a", name["roundtrip-".Length..], window, 1);
        client.Go();
        return new(name, client.Report(), null, null, 1);
    }

    /// <summary>The first works until the second has done its part.</summary>
    private static (IpcReport First, IpcReport Second) Pair(string first, string role, string second, string otherRole, TimeSpan window, int batch)
    {
        using NetmapEngine engine = new();
        using NetmapServer server = Start(engine);
        using IpcClient two = new(server.Options.Host, second, otherRole, window, batch);
        using IpcClient one = new(server.Options.Host, first, role, window, batch);
        two.Go();
        one.Go();
        IpcReport done = two.Report();
        one.Go();
        return (one.Report(), done);
    }

    private static NetmapServer Start(NetmapEngine engine) => new(engine, new() { Host = $"@netmap-bench-{Environment.ProcessId}" });
}
