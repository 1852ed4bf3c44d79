using Netmap.Cli.Common;

namespace Netmap.Cli.LoadBalancer;

/// <summary>One run of lb: opens the port and its pipes in the same memory, deals, gives the report.</summary>
internal sealed class LbRun(LbOptions options, NetmapEngine engine)
{
    private static readonly TimeSpan s_idle = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_pending = TimeSpan.FromMilliseconds(1);

    private readonly List<NetmapPort> _ports = [];

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    /// <exception cref="NetmapException">A port could not be opened, or went away.</exception>
    public int Execute(CancellationToken stop)
    {
        try
        {
            return Run(stop);
        }
        finally
        {
            _ports.ForEach(port => port.Dispose());
        }
    }

    private int Run(CancellationToken stop)
    {
        options.Ports.Check(options.Port);
        // One buffer more: the first stays as the head of the list.
        NetmapPort port = Open(options.Port, new()
        {
            Exclusive = true,
            ReceiveOnly = true,
            ExtraBuffers = options.ExtraBuffers > 0 ? options.ExtraBuffers + 1 : 0,
        });
        if (port.RxRings.Count == 0)
            throw new UsageException($"the flags of {port.Name} leave out its receive rings; there is nothing to deal out");
        int granted = Math.Max(0, port.ExtraBufferCount - 1);
        if (granted < options.ExtraBuffers)
            Console.Error.WriteLine($"netmap: {granted} of {options.ExtraBuffers} extra buffers are to be had");
        OutputPipe[][] groups = [.. options.Groups.Select(group => OpenGroup(group, port.Info.MemoryId, granted))];
        Balancer balancer = new(port, groups);
        stop.WaitHandle.WaitOne(options.Wait);
        if (!options.Json)
            Console.Out.WriteLine($"{port.Name} to {string.Join(", ", _ports.Skip(1).Select(pipe => pipe.Name))}; {granted} extra buffers. Ctrl-C ends.");
        LbStatistics[] readers = [new(options.Port, balancer, options.Output), new(options.Port, balancer, options.Syslog)];
        try
        {
            Deal(port, balancer, readers, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ctrl-C: the report follows.
        }
        finally
        {
            balancer.End();
        }
        Report(balancer, readers[0]);
        return ExitCode.Success;
    }

    private void Deal(NetmapPort port, Balancer balancer, LbStatistics[] readers, CancellationToken stop)
    {
        using Syslog? syslog = options.Syslog > TimeSpan.Zero ? new Syslog("netmap-lb") : null;
        while (!stop.IsCancellationRequested)
        {
            TimeSpan timeout = options.Busy ? TimeSpan.Zero : balancer.HasWork ? s_pending : s_idle;
            if ((port.Poll(PollEvents.Receive, timeout, stop) & PollEvents.Error) != 0)
            {
                // Says in words what is wrong with the port.
                port.RxSync();
                Thread.Sleep(s_pending);
            }
            balancer.Turn();
            balancer.TakeIn(options.Burst);
            balancer.Turn();
            if (readers[0].IsDue)
                readers[0].Take().ForEach(Output.Json);
            if (readers[1].IsDue)
                readers[1].Take().ForEach(line => syslog!.Write(Output.ToJson(line)));
        }
    }

    private OutputPipe[] OpenGroup(PipeGroup group, int memory, int granted) =>
        [.. Enumerable.Range(group.First, group.Count).Select(number => new OutputPipe(OpenPipe(group.Name, number, memory), group.Name, number, granted))];

    private NetmapPort OpenPipe(string name, int number, int memory)
    {
        string prefix = name.StartsWith("vale", StringComparison.Ordinal) ? "" : "netmap:";
        NetmapPort pipe = Open($"{prefix}{name}{{{number}", new() { Exclusive = true, TransmitOnly = true, MemoryId = memory });
        return pipe.Info.MemoryId == memory
            ? pipe
            : throw new UsageException($"pipe {pipe.Name} is in memory {pipe.Info.MemoryId}, the port in {memory}: buffers cannot be exchanged; choose another name with -p");
    }

    private NetmapPort Open(string name, NetmapPortOptions how)
    {
        NetmapPort port = options.Ports.Open(name, engine, how);
        _ports.Add(port);
        return port;
    }

    private void Report(Balancer balancer, LbStatistics statistics)
    {
        if (options.Json)
        {
            statistics.Take().ForEach(Output.Json);
            return;
        }
        long forwarded = balancer.Outputs.Sum(output => output.Packets);
        long dropped = balancer.Outputs.Sum(output => output.Dropped);
        Console.Out.WriteLine($"{forwarded} packets forwarded. {dropped} packets dropped. {balancer.Received} packets received.");
    }
}
