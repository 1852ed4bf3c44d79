using System.Diagnostics;
using Netmap.Cli.Common;
using Netmap.Cli.PktGen;

namespace Netmap.Cli.Bridge;

/// <summary>One run of the bridge: opens the ports, runs a lane in each direction, gives the report.</summary>
internal sealed class BridgeRun(BridgeOptions options, NetmapEngine engine)
{
    private readonly List<(NetmapPort Port, PortInfo Info)> _ports = [];

    /// <summary>Runs until <paramref name="stop"/> or until a port fails.</summary>
    public int Execute(CancellationToken stop)
    {
        try
        {
            return Run(stop);
        }
        finally
        {
            _ports.ForEach(port => port.Port.Dispose());
        }
    }

    private int Run(CancellationToken stop)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        options.Ports.Check(options.First, options.Second);
        NetmapPort first = Open(options.First);
        NetmapPort second = options.Second is { } name ? Open(name) : first;
        List<Lane> lanes = [];
        if (first.RxRings.Count > 0 && second.TxRings.Count > 0)
            lanes.Add(new Lane(first, second, options, ended.Token));
        if (second != first && second.RxRings.Count > 0 && first.TxRings.Count > 0)
            lanes.Add(new Lane(second, first, options, ended.Token));
        if (lanes.Count == 0)
            throw new UsageException("neither port sends what the other receives; look at the flags behind their names");
        stop.WaitHandle.WaitOne(options.Wait);
        Announce(lanes);
        long started = Stopwatch.GetTimestamp();
        Thread[] threads = [.. lanes.Select(lane => new Thread(lane.Run) { Name = "netmap bridge", IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        Watch(lanes, threads);
        ended.Cancel();
        foreach (Thread thread in threads)
            thread.Join();
        return Report(lanes, Stopwatch.GetElapsedTime(started));
    }

    private NetmapPort Open(string name)
    {
        NetmapPort port = options.Ports.Open(name, engine);
        _ports.Add((port, port.Info));
        return port;
    }

    private void Announce(List<Lane> lanes)
    {
        if (options.Json)
            return;
        foreach ((NetmapPort port, PortInfo info) in _ports)
        {
            Console.Out.WriteLine($"{port.Name}: {port.TxRings.Count}/{port.RxRings.Count} rings, {info.Adapter} adapter, {info.Device}: {info.Mode}{(info.WhyNotNative is { } why ? $"; not native: {why}" : "")}");
        }
        Console.Out.WriteLine(lanes.All(lane => lane.IsZeroCopy)
            ? "zero-copy: buffers change hands"
            : options.Copy ? "copying frames, as asked" : "copying frames: the ports have no memory in common");
        Console.Out.WriteLine($"Ready to go, {string.Join(" and ", lanes.Select(lane => $"{lane.From} -> {lane.To}"))}. Ctrl-C ends.");
    }

    /// <summary>Until the first lane ends: by itself, or because the user wants it.</summary>
    private void Watch(List<Lane> lanes, Thread[] threads)
    {
        long[] before = new long[lanes.Count];
        while (!threads.Any(thread => thread.Join(TimeSpan.FromSeconds(1.0 / threads.Length))))
        {
            if (!options.Verbose || options.Json)
                continue;
            for (int i = 0; i < lanes.Count; i++)
            {
                long packets = lanes[i].Packets;
                Console.Out.WriteLine($"{lanes[i].From} -> {lanes[i].To}: {packets} packets, {Units.Scale(packets - before[i], false)}pps, "
                    + $"{(double)packets / Math.Max(1, lanes[i].Batches):F1} a batch, {lanes[i].Full} waits for room");
                before[i] = packets;
            }
        }
    }

    private int Report(List<Lane> lanes, TimeSpan elapsed)
    {
        if (options.Json)
            Output.Json(ToObject(lanes, elapsed));
        else
            Print(lanes, elapsed);
        string[] failures = [.. lanes.Select(lane => lane.Failure).OfType<string>().Distinct()];
        foreach (string failure in failures)
            Console.Error.WriteLine($"netmap: {failure}");
        return failures.Length > 0 ? ExitCode.Failure : ExitCode.Success;
    }

    private object ToObject(List<Lane> lanes, TimeSpan elapsed) => new
    {
        Seconds = elapsed.TotalSeconds,
        Lanes = lanes.Select(lane => new { lane.From, lane.To, lane.IsZeroCopy, lane.Packets, lane.Bytes, lane.Batches, lane.Full, lane.TooLong }),
        Ports = _ports.Select(port => new { port.Port.Name, port.Info.Adapter, port.Info.Device, Dropped = DropReport.Object(port.Port.GetStatistics()) }),
    };

    private void Print(List<Lane> lanes, TimeSpan elapsed)
    {
        foreach (Lane lane in lanes)
        {
            Console.Out.WriteLine($"{lane.From} -> {lane.To}: {lane.Packets} packets, {lane.Bytes} bytes in {elapsed.TotalSeconds:F2} seconds, "
                + $"{(double)lane.Packets / Math.Max(1, lane.Batches):F1} a batch");
            if (lane.TooLong > 0)
                Console.Out.WriteLine($"  {lane.TooLong} frames longer than a buffer dropped: their sender segments in hardware; `ethtool -K IFACE tso off gso off` there, or raise --buffer-size");
        }
        foreach ((NetmapPort port, _) in _ports)
        {
            foreach (string line in DropReport.Lines(port.GetStatistics()))
                Console.Out.WriteLine($"{port.Name}: {line}");
        }
    }
}
