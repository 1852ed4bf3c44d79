using System.CommandLine;
using Netmap.Cli.Bench.Software;
using Netmap.Server;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>
/// <c>netmap bench ipc</c>: two client processes and the server between them, beside DPDK's net_memif in the same run; an interface's
/// port through the server beside the same port in this process.
/// </summary>
internal static class IpcBench
{
    private const string Name = "ipc";
    private const int Bytes = 60;
    private const int Batch = 512;

    private delegate IpcClient MakeClient(string host, string port, string role, TimeSpan window, int batch);

    private static readonly Option<int> s_workers = new("--workers") { Description = "the server's, as for netmapd" };
    private static readonly Option<double> s_spin = new("--spin")
    {
        Description = "as for netmapd",
        DefaultValueFactory = _ => new NetmapServerOptions { Host = "" }.Spin.TotalMicroseconds,
    };

    private static readonly (string Name, Func<Request, CaseReport> Measure)[] s_cases =
    [
        ("pipe-shim", one => Rate(one, IpcClient.Shim, "netmap:ipc{1", "netmap:ipc}1")),
        ("pipe-net", one => Rate(one, IpcClient.Net, "netmap:ipc{1", "netmap:ipc}1")),
        ("vale-shim", one => Rate(one, IpcClient.Shim, "vale0:a", "vale0:b")),
        ("vale-net", one => Rate(one, IpcClient.Net, "vale0:a", "vale0:b")),
        ("veth-shim-tx", one => Veth(one, sends: true)),
        ("veth-shim-rx", one => Veth(one, sends: false)),
        ("roundtrip-awake", one => RoundTrip(one, "awake")),
        ("roundtrip-asleep", one => RoundTrip(one, "asleep")),
        ("roundtrip-pipe", PipeRoundTrip),
    ];

    public static readonly Benchmark Bench = new(Name, "Ports of a server from other processes, beside DPDK's net_memif.", Measure)
    {
        Needs = run => Chosen(run).Any(one => one.Name.StartsWith("veth", StringComparison.Ordinal)) ? BenchNeeds.Namespaces : BenchNeeds.Nothing,
        Options = [s_workers, s_spin],
    };

    private static (string Name, Func<Request, CaseReport> Measure)[] Chosen(BenchRun run) => run.Choose(s_cases, one => one.Name);

    private static IEnumerable<CaseReport> Measure(BenchRun run)
    {
        NetmapServerOptions server = new() { Host = "", Workers = run.Value(s_workers), Spin = TimeSpan.FromMicroseconds(run.Value(s_spin)) };
        TimeSpan window = TimeSpan.FromSeconds(run.Quick ? 0.5 : 2);
        return Chosen(run).Select(one => Measure(run, one.Measure, new(one.Name, window, server))).OfType<CaseReport>();
    }

    private static CaseReport? Measure(BenchRun run, Func<Request, CaseReport> measure, Request one)
    {
        try
        {
            return measure(one);
        }
        catch (Exception missing) when (missing is InvalidOperationException or NetmapException)
        {
            run.Fail(Name, one.Name, missing);
            return null;
        }
    }

    private static CaseReport Rate(Request one, MakeClient make, string from, string to)
    {
        using MemifPeer memif = new();
        SoftwareCase @case = new(Bytes, Batch, 2);
        (Round ours, Round? peer) = BenchRounds.Run(
            () => Round(Pair(one, make, from, "tx", to, "rx", Batch), mayLose: from.StartsWith("vale", StringComparison.Ordinal)),
            () => memif.Measure(@case, one.Window));
        return Report(one, ours, PeerReport.Rate(MemifPeer.Name, ours, peer), "two clients, the server");
    }

    /// <summary>What the receiver counted. Both count over times of their own, so loss is said of switches alone: a pipe has none.</summary>
    private static Round Round((IpcReport Sent, IpcReport Received) pair, bool mayLose) => Round(pair.Received) with
    {
        Loss = mayLose && pair.Sent.Mpps > 0 ? Math.Max(0, 1 - (pair.Received.Mpps / pair.Sent.Mpps)) : 0,
    };

    private static Round Round(IpcReport report) =>
        new(report.Mpps, 0, report.Cpu, (double)report.Allocated / Math.Max(1, report.Packets), report.Collections);

    private static CaseReport Veth(Request one, bool sends)
    {
        using VethShim veth = new(sends, Batch);
        (Round ours, Round? peer) = BenchRounds.Run(() => Round(veth.Shim(one.Server, one.Window)), () => Round(veth.InProcess(one.Window)));
        return Report(one, ours, PeerReport.Rate(VethShim.Peer, ours, peer), "a client, the server, the far end");
    }

    private static CaseReport RoundTrip(Request one, string role)
    {
        using IpcHost host = new(one.Server);
        using IpcClient client = IpcClient.Net(host.Address, "vale0:a", role, one.Window, 1);
        client.Go();
        return Times(one, client.Report(), "a client, the server");
    }

    private static CaseReport PipeRoundTrip(Request one) =>
        Times(one, Pair(one, IpcClient.Net, "netmap:ipc{1", "pong", "netmap:ipc}1", "ping", 1).Second, "two clients, the server");

    private static CaseReport Report(Request one, Round ours, PeerReport peer, string cores) =>
        CaseReport.Rate(Name, one.Name, ours, [peer], new() { Bytes = Bytes, Batch = Batch, Cores = cores });

    private static CaseReport Times(Request one, IpcReport report, string cores) => new()
    {
        Bench = Name,
        Case = one.Name,
        Ours = report.P50,
        Unit = MeasureUnit.Nanoseconds,
        Allocations = new(Math.Round((double)report.Allocated / Math.Max(1, report.Packets), 4), report.Collections),
        Cpu = Math.Round(report.Cpu, 2),
        Spread = new(report.Packets, report.Least, report.P90, report.P99, report.P999, report.Max),
        Mode = new() { Bytes = Bytes, Batch = 1, Cores = cores },
    };

    /// <summary>The first works until the second has done its part.</summary>
    private static (IpcReport First, IpcReport Second) Pair(Request one, MakeClient make, string first, string role, string second, string otherRole, int batch)
    {
        using IpcHost host = new(one.Server);
        using IpcClient far = make(host.Address, second, otherRole, one.Window, batch);
        using IpcClient near = make(host.Address, first, role, one.Window, batch);
        far.Go();
        near.Go();
        IpcReport done = far.Report();
        near.Go();
        return (near.Report(), done);
    }

    /// <param name="Name">The case.</param>
    /// <param name="Window">Length of a round.</param>
    /// <param name="Server">How the server runs.</param>
    private sealed record Request(string Name, TimeSpan Window, NetmapServerOptions Server);
}
