using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary><c>netmap bench</c>: ratios against the best peers on the same interface in the same run.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure against other packet I/O on the same interface, in the same run.")
    {
        Case("generic-tx", "transmit through the generic adapter against DPDK's net_af_packet", lab => new GenericTxBench(lab)),
        Ipc.IpcCommand.Create(),
        Ipc.IpcPeer.Create(),
        Case("generic-rx", "receive through the generic adapter against DPDK's net_af_packet", lab => new GenericRxBench(lab)),
    };

    private static Command Case(string name, string description, Func<BenchLab, IBench> make)
    {
        Option<bool> json = new("--json") { Description = "one JSON object" };
        Option<bool> quick = new("--quick") { Description = "shorter rounds, under 40 s altogether" };
        Command command = new(name, description) { json, quick };
        command.SetAction(parsed =>
        {
            if (UserNamespace.TryReenter(out int code))
                return code;
            using BenchLab lab = new();
            BenchResult result = BenchRounds.Run(name, make(lab), lab, parsed.GetValue(quick));
            result.Write(parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }
}
