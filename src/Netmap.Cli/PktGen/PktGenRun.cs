using System.Diagnostics;
using Netmap.Cli.Common;

namespace Netmap.Cli.PktGen;

/// <summary>One run of pkt-gen: opens a port for each thread, shows progress, gives the report.</summary>
internal sealed class PktGenRun(PktGenOptions options)
{
    /// <summary>-i null: a wire in memory with nobody at the other end, to time pkt-gen itself.</summary>
    private const string Null = "null";

    private readonly List<NetmapPort> _ports = [];

    public int Execute()
    {
        using Interrupt interrupt = new();
        using NetmapEngine engine = options.Ports.MakeEngine();
        try
        {
            return Run(engine, interrupt);
        }
        finally
        {
            _ports.ForEach(port => port.Dispose());
        }
    }

    private int Run(NetmapEngine engine, Interrupt interrupt)
    {
        string name = PortOf(options.Interface);
        if (options.Interface == Null)
            engine.AddMemoryPair(Null, "null-peer");
        OpenPorts(name, engine);
        CheckRings();
        PortInfo info = _ports[0].Info;
        if (!options.Json)
        {
            Console.Out.WriteLine($"{(options.Sends ? "Sending on" : "Receiving from")} {name}: {info.TxRings}/{info.RxRings} rings, "
                + $"{options.Threads} threads, {info.Adapter} adapter, {info.Device}: {info.Mode}{(info.WhyNotNative is { } why ? $"; not native: {why}" : "")}");
        }
        interrupt.Token.WaitHandle.WaitOne(options.Wait);
        byte[] mac = options.SourceMac ?? Convert.FromHexString(info.MacAddress.Replace(":", ""));
        Worker[] workers = [.. _ports.Select((port, i) => MakeWorker(port, mac, i, interrupt.Token))];
        Thread[] threads = [.. workers.Select(w => new Thread(w.Run) { Name = "pkt-gen", IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        Watch(workers, threads);
        return Finish(workers, interrupt.Happened);
    }

    /// <exception cref="UsageException">The name's flags left out the direction that the function needs, or frames are longer than buffers.</exception>
    private void CheckRings()
    {
        bool sends = options.Function is not ("rx" or "rxseq");
        bool receives = options.Function is not ("tx" or "txseq");
        foreach (NetmapPort port in _ports)
        {
            if ((sends && port.TxRings.Count == 0) || (receives && port.RxRings.Count == 0))
                throw new UsageException($"-f {options.Function} needs {(port.TxRings.Count == 0 ? "transmit" : "receive")} rings, which the flags of {port.Name} leave out");
            if (options.Sends && options.MaxSize > port.TxRings[0].BufferSize)
                throw new UsageException($"-l {options.MaxSize} is above the buffer size of {port.Name}, {port.TxRings[0].BufferSize}");
        }
    }

    /// <summary>As netmap's pkt-gen reads -i: tap… is a TAP interface of our own, other bare names are interfaces.</summary>
    private static string PortOf(string given) =>
        given.Contains(':') ? given : given.StartsWith("tap", StringComparison.Ordinal) ? "tap:" + given : "netmap:" + given;

    /// <summary>One thread takes all rings; several take one ring each.</summary>
    private void OpenPorts(string name, NetmapEngine engine)
    {
        options.Ports.Check(name);
        for (int i = 0; i < options.Threads; i++)
            _ports.Add(options.Ports.Open(options.Threads == 1 ? name : PortNames.Ring(name, i), engine));
    }

    private Worker MakeWorker(NetmapPort port, byte[] mac, int index, CancellationToken stop) => options.Function switch
    {
        "tx" or "txseq" => new Sender(options, port, mac, index, stop),
        "ping" => new Pinger(options, port, mac, index, stop),
        "pong" => new Ponger(options, port, index, stop),
        _ => new Receiver(options, port, index, stop),
    };

    private void Watch(Worker[] workers, Thread[] threads)
    {
        ProgressLine line = new(options);
        long before = Stopwatch.GetTimestamp();
        while (threads.Any(thread => thread.IsAlive))
        {
            Thread? running = threads.FirstOrDefault(thread => thread.IsAlive);
            if (running is null || running.Join(options.Interval) || options.Json)
                continue;
            TimeSpan elapsed = Stopwatch.GetElapsedTime(before);
            before = Stopwatch.GetTimestamp();
            Console.Out.WriteLine(line.Next(workers, elapsed));
        }
    }

    private int Finish(Worker[] workers, bool interrupted)
    {
        PktGenReport report = new(options, workers, _ports[0].GetStatistics());
        if (options.Json)
            Output.Json(report.Object);
        else
            report.Print(Console.Out);
        foreach (string failure in workers.Select(w => w.Progress.Failure).OfType<string>().Distinct())
            Console.Error.WriteLine($"netmap: {failure}");
        if (workers.Any(w => w.Progress.Failure is not null))
            return ExitCode.Failure;
        return interrupted && options.Count > 0 && report.Packets < options.Count ? ExitCode.Interrupted : ExitCode.Success;
    }
}
