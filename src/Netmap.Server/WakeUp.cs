using System.Collections.Concurrent;
using Netmap.Control;

namespace Netmap.Server;

/// <summary>Work for a loop's thread, from other threads; wakes it.</summary>
internal sealed class WakeUp : IEndpoint, IDisposable
{
    private readonly ConcurrentQueue<Action> _work = new();
    private readonly Bell _bell = new();

    public int Descriptor => _bell.Descriptor;

    /// <summary>Cheap to ask on each round.</summary>
    public bool HasWork => !_work.IsEmpty;

    public void Post(Action work)
    {
        _work.Enqueue(work);
        _bell.Ring();
    }

    public void Ready()
    {
        _bell.Drain();
        while (_work.TryDequeue(out Action? work))
            work();
    }

    public void Dispose() => _bell.Dispose();
}
