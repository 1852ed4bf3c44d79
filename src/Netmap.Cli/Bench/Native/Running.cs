using Netmap.Cli.PktGen;

namespace Netmap.Cli.Bench.Native;

/// <summary>A worker of pkt-gen on a thread of its own, from construction to dispose.</summary>
internal sealed class Running : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private long _allocated;

    /// <param name="make">Makes the worker, which ends with the token.</param>
    public Running(Func<CancellationToken, Worker> make)
    {
        Worker = make(_stop.Token);
        _thread = new Thread(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Worker.Run();
            _allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        _thread.Start();
    }

    public Worker Worker { get; }

    public long Packets => Volatile.Read(ref Worker.Progress.Packets);

    /// <summary>Ends it; bytes it allocated for each packet, its start and end included.</summary>
    public double Stop()
    {
        _stop.Cancel();
        _thread.Join();
        if (Worker.Progress.Failure is { } failure)
            throw new InvalidOperationException(failure);
        return Packets == 0 ? 0 : (double)_allocated / Packets;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
    }
}
