using System.Collections.Concurrent;
using Netmap.Control;

namespace Netmap.Server;

/// <summary>Work for a loop's thread, from other threads; wakes it.</summary>
/// <param name="failed">Is told of what a piece of work has thrown; the others are done all the same.</param>
internal sealed class WakeUp(Action<Exception> failed) : IEndpoint, IDisposable
{
    private readonly ConcurrentQueue<Action> _work = new();
    private readonly Bell _bell = new();

    public int Descriptor => _bell.Descriptor;

    public void Post(Action work)
    {
        _work.Enqueue(work);
        _bell.Ring();
    }

    public void Ready()
    {
        _bell.Drain();
        while (_work.TryDequeue(out Action? work))
            Guard.Run(work, failed);
    }

    public void Failed(Exception problem) => failed(problem);

    public void Dispose() => _bell.Dispose();
}
