using System.CommandLine;
using System.Diagnostics;
using HdrHistogram;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>One client process of the benchmark: <c>netmap bench ipc-peer</c>. It says when it is ready, works when told to, and reports.</summary>
internal static class IpcPeer
{
    public const string Command = "ipc-peer";

    /// <summary>Not counted: the just-in-time compiler is at work.</summary>
    private static readonly TimeSpan s_warmup = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        Option<string> host = new("--host") { Required = true };
        Option<string> port = new("--port") { Required = true };
        Option<string> role = new("--role") { Required = true };
        Option<double> seconds = new("--seconds") { Required = true };
        Option<int> batch = new("--batch") { DefaultValueFactory = _ => 512 };
        Command command = new(Command, "One client process of `bench ipc`.") { host, port, role, seconds, batch };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            using NetmapPort open = NetmapPort.Open(parsed.GetRequiredValue(port), new() { Host = parsed.GetRequiredValue(host) });
            Fill(open);
            Console.Out.WriteLine("ready");
            Console.In.ReadLine();
            Output.Json(Run(open, parsed.GetRequiredValue(role), TimeSpan.FromSeconds(parsed.GetRequiredValue(seconds)), parsed.GetValue(batch)));
            return ExitCode.Success;
        });
        return command;
    }

    private static IpcReport Run(NetmapPort port, string role, TimeSpan window, int batch) => role switch
    {
        "tx" => UntilTold(() => Send(port, batch)),
        "rx" => FromTheFirst(window, () => Receive(port)),
        "pong" => UntilTold(() => Pong(port)),
        "ping" => Time(window, TimeSpan.Zero, () => Ping(port)),
        "awake" => Time(window, TimeSpan.Zero, () => Sync(port)),
        "asleep" => Time(window, TimeSpan.FromMilliseconds(1), () => Sync(port)),
        _ => throw new UsageException($"--role {role}: tx, rx, ping, pong, awake or asleep"),
    };

    /// <summary>As pkt-gen does: poll when the ring is full, else fill a batch of slots and sync.</summary>
    public static int Send(NetmapPort port, int batch)
    {
        TxRing ring = port.TxRings[0];
        if (ring.Space == 0)
            port.Poll(PollEvents.Transmit, s_patience);
        int count = Math.Min(batch, ring.Space);
        int at = ring.Head;
        for (int i = 0; i < count; i++)
        {
            ref NetmapSlot slot = ref ring[at];
            slot.Length = 60;
            slot.Flags = SlotFlags.None;
            at = ring.Next(at);
        }
        ring.Advance(count);
        port.TxSync();
        return count;
    }

    public static int Receive(NetmapPort port)
    {
        port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(100));
        RxRing ring = port.RxRings[0];
        int count = ring.Available;
        int at = ring.Head;
        long bytes = 0;
        for (int i = 0; i < count; i++)
        {
            bytes += ring[at].Length;
            at = ring.Next(at);
        }
        ring.Advance(count);
        return bytes == 60L * count ? count : throw new InvalidOperationException("a frame of another length arrived");
    }

    private static int Pong(NetmapPort port)
    {
        int count = Receive(port);
        if (count == 0)
            return 0;
        Put(port);
        return 1;
    }

    private static void Ping(NetmapPort port)
    {
        Put(port);
        for (int i = 0; i < 10 && Receive(port) == 0; i++)
        {
        }
    }

    private static void Sync(NetmapPort port) => port.TxSync();

    private static void Put(NetmapPort port)
    {
        ref NetmapSlot slot = ref port.TxRings[0][port.TxRings[0].Head];
        slot.Length = 60;
        port.TxRings[0].Advance(1);
        port.TxSync();
    }

    /// <summary>Runs until the benchmark has what it wants: its next line ends it.</summary>
    private static IpcReport UntilTold(Func<int> step)
    {
        bool told = false;
        Thread listener = new(() =>
        {
            Console.In.ReadLine();
            Volatile.Write(ref told, true);
        })
        {
            IsBackground = true,
        };
        listener.Start();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Meter meter = new();
        long packets = 0;
        while (!Volatile.Read(ref told))
            packets += step();
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Round round = meter.Stop(packets, 0, allocated);
        return new() { Packets = packets, Mpps = round.Mpps, Cpu = round.Cpu, Allocated = allocated, Collections = round.Collections };
    }

    /// <summary>Counts from the first packet on: the other process may take its time to start.</summary>
    private static IpcReport FromTheFirst(TimeSpan window, Func<int> step)
    {
        for (int i = 0; i < 200 && step() == 0; i++)
        {
        }
        return Count(window, step);
    }

    private static IpcReport Count(TimeSpan window, Func<int> step)
    {
        Loop(s_warmup, step);
        GC.Collect();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Meter meter = new();
        long packets = Loop(window, step);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Round round = meter.Stop(packets, 0, allocated);
        return new() { Packets = packets, Mpps = round.Mpps, Cpu = round.Cpu, Allocated = allocated, Collections = round.Collections };
    }

    /// <summary>Frames lie in the buffers already, as pkt-gen has them: from station 2 to station 1, which nobody is.</summary>
    public static void Fill(NetmapPort port)
    {
        foreach (TxRing ring in port.TxRings)
        {
            for (int i = 0; i < ring.SlotCount; i++)
                (ring.Buffer(i)[0], ring.Buffer(i)[5], ring.Buffer(i)[6], ring.Buffer(i)[11]) = (2, 1, 2, 2);
        }
    }

    private static IpcReport Time(TimeSpan window, TimeSpan pause, Action step)
    {
        LongHistogram times = new(TimeSpan.TicksPerSecond * 100, 3);
        Count(TimeSpan.FromMilliseconds(1), () => One(null));
        IpcReport report = Count(window, () => One(times));
        return report with
        {
            Least = times.GetValueAtPercentile(0),
            P50 = times.GetValueAtPercentile(50),
            P90 = times.GetValueAtPercentile(90),
            P99 = times.GetValueAtPercentile(99),
            P999 = times.GetValueAtPercentile(99.9),
            Max = times.GetMaxValue(),
        };

        int One(LongHistogram? into)
        {
            if (pause > TimeSpan.Zero)
                Thread.Sleep(pause);
            long started = Stopwatch.GetTimestamp();
            step();
            into?.RecordValue(Math.Max(1, (Stopwatch.GetTimestamp() - started) * 1_000_000_000 / Stopwatch.Frequency));
            return 1;
        }
    }

    private static long Loop(TimeSpan time, Func<int> step)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        long done = 0;
        while (Stopwatch.GetTimestamp() < end)
            done += step();
        return done;
    }
}

/// <summary>What one client process counted or timed; times in nanoseconds.</summary>
internal sealed record IpcReport
{
    public long Packets { get; init; }
    public double Mpps { get; init; }
    public double Cpu { get; init; }
    public long Allocated { get; init; }
    public int Collections { get; init; }
    public long Least { get; init; }
    public long P50 { get; init; }
    public long P90 { get; init; }
    public long P99 { get; init; }
    public long P999 { get; init; }
    public long Max { get; init; }
}
