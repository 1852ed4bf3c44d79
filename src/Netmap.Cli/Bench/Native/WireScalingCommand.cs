using System.CommandLine;
using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Native;

/// <summary><c>netmap bench xdp-scaling</c>: what more queues, with a thread each, give in all.</summary>
internal static class WireScalingCommand
{
    private const string Name = "xdp-scaling";
    private const int Rounds = 3;
    private static readonly int[] s_queues = [1, 2, 4];

    public static Command Create() => BenchOptions.Command(Name, "Transmit natively over 1, 2 and 4 queues of a veth, a thread each.",
        "shorter rounds", Run);

    /// <summary>What the queues do not have each for itself.</summary>
    private static string Shared => $"queue i's thread is on CPU i mod {Environment.ProcessorCount}, with the far end's driver for its frames; "
        + "the veth, its counters and the buffer pool are common; the fast gear's frames reach the far queue of the sending CPU's number";

    private static int Run(bool quick, bool json)
    {
        WireCommand.DemandRoot(Name);
        TimeSpan window = TimeSpan.FromSeconds(quick ? 1 : 3);
        foreach (NativeGear gear in new[] { NativeGear.Plain, NativeGear.Auto })
        {
            WireCase @case = new(gear, 60);
            Round[] rounds = Measure(@case, window);
            if (json)
                WriteJson(@case, rounds);
            else
                WriteTable(@case, rounds);
        }
        if (!json)
            Console.Out.WriteLine($"Shared by {Environment.ProcessorCount} CPUs: {Shared}.");
        return ExitCode.Success;
    }

    /// <summary>Medians for each number of queues, which take turns.</summary>
    private static Round[] Measure(WireCase @case, TimeSpan window)
    {
        List<Round>[] rounds = [.. s_queues.Select(_ => new List<Round>())];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < s_queues.Length; i++)
            {
                using WireTxBench bench = new(s_queues[i]);
                rounds[i].Add(bench.Ours(@case, window));
            }
        }
        return [.. rounds.Select(BenchRounds.Median)];
    }

    private static void WriteTable(WireCase @case, Round[] rounds) => Output.Table(
        $"{Name}: {@case.Name}, veth, a sender a queue, all together ({Machine.Processor}, kernel {Machine.Kernel})",
        ["queues", "Mpps", "to 1 queue", "loss", "CPU", "bytes/packet", "GC"],
        rounds.Select((round, i) => (string[])
        [
            $"{s_queues[i]}", $"{round.Mpps:F3}", $"{round.Mpps / rounds[0].Mpps:F2}", $"{round.Loss:P2}", $"{round.Cpu:F2}",
            $"{round.AllocatedPerPacket:F4}", $"{round.Collections}",
        ]));

    private static void WriteJson(WireCase @case, Round[] rounds)
    {
        for (int i = 0; i < rounds.Length; i++)
        {
            Output.Json(new
            {
                Bench = Name,
                Case = @case.Name,
                Queues = s_queues[i],
                OursMpps = Math.Round(rounds[i].Mpps, 3),
                ToOneQueue = Math.Round(rounds[i].Mpps / rounds[0].Mpps, 3),
                Loss = Math.Round(rounds[i].Loss, 4),
                AllocBytesPerPacket = Math.Round(rounds[i].AllocatedPerPacket, 4),
                Gc = rounds[i].Collections,
                Cpu = Math.Round(rounds[i].Cpu, 2),
                Shared,
                rounds[i].Port?.Driver,
                rounds[i].Port?.Adapter,
                rounds[i].Port?.Mode,
                rounds[i].Port?.Gear,
                MachineCores = Environment.ProcessorCount,
                Machine.Processor,
                Machine.Kernel,
            });
        }
    }
}
