using System.Diagnostics;
using Netmap.Links;

namespace Netmap.Cli.PktGen;

/// <summary>One thread of pkt-gen on its own port; the subclasses are its functions.</summary>
internal abstract class Worker(PktGenOptions options, NetmapPort port, int index, CancellationToken stop)
{
    protected PktGenOptions Options { get; } = options;

    protected NetmapPort Port { get; } = port;

    protected CancellationToken Stop { get; } = stop;

    /// <summary>Packets this thread is to move, 0 for no end.</summary>
    protected long Share { get; } = (options.Count / options.Threads) + (index < options.Count % options.Threads ? 1 : 0);

    public Progress Progress { get; } = new();

    /// <summary>Runs to the end; a failure is kept for the report.</summary>
    public void Run()
    {
        try
        {
            if (Options.FirstCpu >= 0)
                CpuAffinity.Pin(Options.FirstCpu + (index % Math.Max(1, Options.Cpus > 0 ? Options.Cpus : Environment.ProcessorCount)));
            Progress.Started = Stopwatch.GetTimestamp();
            Work();
        }
        catch (OperationCanceledException) when (Stop.IsCancellationRequested)
        {
            // Ctrl-C: the report follows.
            Volatile.Write(ref Progress.Ended, Stopwatch.GetTimestamp());
        }
        catch (NetmapException e)
        {
            Progress.Failure = e.Message;
        }
        finally
        {
            if (Progress.Ended == 0)
                Volatile.Write(ref Progress.Ended, Stopwatch.GetTimestamp());
        }
    }

    protected abstract void Work();

    /// <summary>True until the share is done or the user stops it.</summary>
    protected bool More => !Stop.IsCancellationRequested && (Share == 0 || Progress.Packets < Share);

    protected void Count(int packets, long bytes)
    {
        Volatile.Write(ref Progress.Packets, Progress.Packets + packets);
        Volatile.Write(ref Progress.Bytes, Progress.Bytes + bytes);
        Progress.Events++;
    }
}
