using System.CommandLine;
using Netmap.Cli.Bench.Native;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary><c>netmap bench</c>: ratios against the best peers, on the same machine in the same run.</summary>
internal static class BenchCommand
{
    private static readonly (string Name, string Description, Func<BenchLab, IBench> Make)[] s_generic =
    [
        ("generic-tx", "Transmit through the generic adapter, beside DPDK's net_af_packet.", lab => new GenericTxBench(lab)),
        ("generic-rx", "Receive through the generic adapter, beside DPDK's net_af_packet.", lab => new GenericRxBench(lab)),
    ];

    public static Command Create()
    {
        Command bench = new("bench", "Measure against other packet I/O, in the same run.");
        foreach ((string name, string description, Func<BenchLab, IBench> make) in s_generic)
            bench.Add(BenchOptions.Command(name, description, "shorter rounds, under 40 s altogether", (quick, json) => Generic(name, make, quick, json)));
        foreach (WireCommand wire in WireCommand.All)
            bench.Add(wire.Create());
        bench.Add(WireLatencyCommand.Create());
        bench.Add(WireScalingCommand.Create());
        bench.Add(FailOpen.FailOpenCommand.Create());
        foreach (SoftwareCommand software in SoftwareCommand.All)
            bench.Add(software.Create());
        bench.Add(LatencyCommand.Create());
        bench.Add(Ipc.IpcCommand.Create());
        bench.Add(Ipc.IpcPeer.Create());
        bench.Add(BenchOptions.Command("all", "All but ipc and xdp, one after the other.", "shorter rounds, under 2 minutes altogether", All));
        return bench;
    }

    private static int Generic(string name, Func<BenchLab, IBench> make, bool quick, bool json)
    {
        if (UserNamespace.TryReenter(out int code))
            return code;
        using BenchLab lab = new();
        BenchRounds.Run(name, make(lab), lab, quick).Write(json);
        return ExitCode.Success;
    }

    private static int All(bool quick, bool json)
    {
        if (UserNamespace.TryReenter(out int code))
            return code;
        foreach (SoftwareCommand software in SoftwareCommand.All)
            software.Run(quick, json);
        LatencyCommand.Run(quick, json);
        foreach ((string name, _, Func<BenchLab, IBench> make) in s_generic)
            Generic(name, make, quick, json);
        return ExitCode.Success;
    }
}
