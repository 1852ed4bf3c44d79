using Netmap.Cli.PktGen;

namespace Netmap.Cli.Bench.Native;

/// <summary>A worker of pkt-gen on a thread of its own, from construction to dispose.</summary>
internal sealed class Running : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    /// <param name="make">Makes the worker, which ends with the token.</param>
    public Running(Func<CancellationToken, Worker> make)
    {
        Worker = make(_stop.Token);
        _thread = new Thread(Worker.Run);
        _thread.Start();
    }

    public Worker Worker { get; }

    public long Packets => Volatile.Read(ref Worker.Progress.Packets);

    /// <summary>Ends it.</summary>
    /// <exception cref="InvalidOperationException">It had failed.</exception>
    public void Stop()
    {
        _stop.Cancel();
        _thread.Join();
        if (Worker.Progress.Failure is { } failure)
            throw new InvalidOperationException(failure);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
    }
}
