using System.CommandLine;
using Netmap.Cli.Bench.FailOpen;
using Netmap.Cli.Bench.Ipc;
using Netmap.Cli.Bench.Native;
using Netmap.Cli.Bench.Software;

namespace Netmap.Cli.Bench;

/// <summary><c>netmap bench</c>: ratios against the best peers, on the same machine in the same run.</summary>
internal static class BenchCommand
{
    private static readonly Benchmark[] s_generic =
    [
        GenericBench.Command("generic-tx", "Transmit through the generic adapter, beside DPDK's net_af_packet.", lab => new GenericTxBench(lab)),
        GenericBench.Command("generic-rx", "Receive through the generic adapter, beside DPDK's net_af_packet.", lab => new GenericRxBench(lab)),
    ];

    public static Command Create()
    {
        Benchmark[] unprivileged = [.. SoftwareBench.All, PipeLatency.Bench, .. s_generic];
        Benchmark[] others = [.. WireBench.All, WireLatency.Bench, WireScaling.Bench, FailOpenBench.Bench, IpcBench.Bench];
        Command bench = new("bench", "Measure against other packet I/O, in the same run.");
        foreach (Benchmark one in unprivileged.Concat(others))
            bench.Add(BenchOptions.Command(one));
        bench.Add(IpcPeer.Create());
        bench.Add(BenchOptions.Command("all", "Those that need no root, ipc left out, one after the other.",
            "shorter rounds, under 2 minutes altogether", unprivileged));
        return bench;
    }
}
