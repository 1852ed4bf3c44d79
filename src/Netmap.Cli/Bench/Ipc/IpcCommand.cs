using System.CommandLine;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;
using Netmap.Server;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>
/// <c>netmap bench ipc</c>: two client processes and the server between them, beside DPDK's net_memif in the same run; an interface's
/// port through the server beside the same port in this process.
/// </summary>
internal static class IpcCommand
{
    private const int Rounds = 3;

    private delegate IpcClient MakeClient(string host, string port, string role, TimeSpan window, int batch);

    private static readonly Option<bool> s_json = new("--json") { Description = "one JSON object a case" };
    private static readonly Option<double> s_seconds = new("--seconds") { Description = "length of a round", DefaultValueFactory = _ => 2 };
    private static readonly Option<int> s_batch = new("--batch", "-b") { Description = "frames a sync", DefaultValueFactory = _ => 512 };
    private static readonly Option<int> s_workers = new("--workers") { Description = "the server's, as for netmapd" };
    private static readonly Option<double> s_spin = new("--spin") { Description = "as for netmapd", DefaultValueFactory = _ => new NetmapServerOptions { Host = "" }.Spin.TotalMicroseconds };

    private static readonly (string Name, Func<IpcRun, IpcResult> Measure)[] s_cases =
    [
        ("pipe-shim", run => Rate(run, IpcClient.Shim, "netmap:ipc{1", "netmap:ipc}1")),
        ("pipe-net", run => Rate(run, IpcClient.Net, "netmap:ipc{1", "netmap:ipc}1")),
        ("vale-shim", run => Rate(run, IpcClient.Shim, "vale0:a", "vale0:b")),
        ("vale-net", run => Rate(run, IpcClient.Net, "vale0:a", "vale0:b")),
        ("veth-shim-tx", run => Veth(run, sends: true)),
        ("veth-shim-rx", run => Veth(run, sends: false)),
        ("roundtrip-awake", run => RoundTrip(run, "awake")),
        ("roundtrip-asleep", run => RoundTrip(run, "asleep")),
        ("roundtrip-pipe", PipeRoundTrip),
    ];

    public static Command Create()
    {
        string names = string.Join(", ", s_cases.Select(one => one.Name));
        Argument<string[]> cases = new("case") { Description = $"{names}, or how some of them begin; all without", Arity = ArgumentArity.ZeroOrMore };
        Command command = new("ipc", "Measure ports of a server from other processes, against DPDK's net_memif.") { cases, s_json, s_seconds, s_batch, s_workers, s_spin };
        command.SetAction(parsed =>
        {
            string[] chosen = parsed.GetValue(cases) ?? [];
            if (chosen.FirstOrDefault(name => !s_cases.Any(one => Means(name, one.Name))) is { } unknown)
                throw new UsageException($"{unknown}: none of {names}");
            NetmapServerOptions server = new() { Host = "", Workers = parsed.GetValue(s_workers), Spin = TimeSpan.FromMicroseconds(parsed.GetValue(s_spin)) };
            int failures = 0;
            foreach ((string name, Func<IpcRun, IpcResult> measure) in s_cases.Where(one => chosen.Length == 0 || chosen.Any(name => Means(name, one.Name))))
                failures += Run(measure, new(name, TimeSpan.FromSeconds(parsed.GetValue(s_seconds)), parsed.GetValue(s_batch), server), parsed.GetValue(s_json));
            return failures == 0 ? ExitCode.Success : ExitCode.Failure;
        });
        return command;
    }

    private static bool Means(string asked, string name) => name.StartsWith(asked, StringComparison.Ordinal);

    /// <summary>A case that lacks something says so; the others go on.</summary>
    private static int Run(Func<IpcRun, IpcResult> measure, IpcRun run, bool json)
    {
        if (run.Name.StartsWith("veth", StringComparison.Ordinal) && UserNamespace.TryReenter(out int code))
            return code;
        try
        {
            measure(run).Write(json);
            return 0;
        }
        catch (Exception missing) when (missing is InvalidOperationException or NetmapException)
        {
            Console.Error.WriteLine($"netmap: bench ipc {run.Name}: {missing.Message}");
            return 1;
        }
    }

    /// <summary>Rounds of ours and of the peer's by turns, and the medians.</summary>
    private static IpcResult Rate(IpcRun run, MakeClient make, string from, string to)
    {
        using MemifPeer memif = new();
        SoftwareCase @case = new(60, run.Batch, 2);
        List<(IpcReport Sent, IpcReport Received)> ours = [];
        List<double> peer = [];
        for (int i = 0; i < Rounds; i++)
        {
            ours.Add(Pair(run, make, from, "tx", to, "rx"));
            if (memif.Measure(@case, run.Window) is { } round)
                peer.Add(round.Mpps);
        }
        (IpcReport sent, IpcReport received) = ours.OrderBy(round => round.Received.Mpps).ElementAt(Rounds / 2);
        return new(run.Name, received, sent, MemifPeer.Name, peer.Count > 0 ? Median(peer) : null, run.Batch);
    }

    private static IpcResult Veth(IpcRun run, bool sends)
    {
        using VethShim veth = new(sends, run.Batch);
        List<IpcReport> ours = [];
        List<double> peer = [];
        for (int i = 0; i < Rounds; i++)
        {
            ours.Add(veth.Shim(run.Server, run.Window));
            peer.Add(veth.InProcess(run.Window).Mpps);
        }
        return new(run.Name, ours.OrderBy(round => round.Mpps).ElementAt(Rounds / 2), null, VethShim.Peer, Median(peer), run.Batch);
    }

    private static IpcResult RoundTrip(IpcRun run, string role)
    {
        using IpcHost host = new(run.Server);
        using IpcClient client = IpcClient.Net(host.Address, "vale0:a", role, run.Window, 1);
        client.Go();
        return new(run.Name, client.Report(), null, "", null, 1);
    }

    private static IpcResult PipeRoundTrip(IpcRun run)
    {
        (IpcReport pong, IpcReport ping) = Pair(run with { Batch = 1 }, IpcClient.Net, "netmap:ipc{1", "pong", "netmap:ipc}1", "ping");
        return new(run.Name, ping, pong, "", null, 1);
    }

    /// <summary>The first works until the second has done its part.</summary>
    private static (IpcReport First, IpcReport Second) Pair(IpcRun run, MakeClient make, string first, string role, string second, string otherRole)
    {
        using IpcHost host = new(run.Server);
        using IpcClient two = make(host.Address, second, otherRole, run.Window, run.Batch);
        using IpcClient one = make(host.Address, first, role, run.Window, run.Batch);
        two.Go();
        one.Go();
        IpcReport done = two.Report();
        one.Go();
        return (one.Report(), done);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <param name="Name">The case.</param>
    /// <param name="Window">Length of a round.</param>
    /// <param name="Batch">Frames a sync.</param>
    /// <param name="Server">How the server runs.</param>
    private sealed record IpcRun(string Name, TimeSpan Window, int Batch, NetmapServerOptions Server);
}
