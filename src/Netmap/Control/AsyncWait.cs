using System.Threading.Tasks.Sources;

namespace Netmap.Control;

/// <summary>
/// One asynchronous wait of one file, used again and again: waiting allocates nothing after the first time. At most one
/// wait at a time.
/// </summary>
internal sealed class AsyncWait(NetmapFile file) : IValueTaskSource<short>
{
    private ManualResetValueTaskSourceCore<short> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private Bell? _bell;
    private int _waiting;

    public NetmapFile File => file;

    /// <summary>The bell to sleep on while the wait lasts.</summary>
    public Bell Bell => _bell!;

    /// <summary>poll(2) bits waited for.</summary>
    public short Events { get; private set; }

    /// <exception cref="InvalidOperationException">The previous wait of this file has not ended.</exception>
    public ValueTask<short> Start(short events, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        short found = file.Poller.Look(events, null);
        if (found != 0)
            return new(found);
        if (Interlocked.Exchange(ref _waiting, 1) != 0)
            throw new InvalidOperationException("one asynchronous wait at a time on a port");
        _bell = file.Bells.Rent();
        if (_bell is null)
        {
            Volatile.Write(ref _waiting, 0);
            return new(Interop.Poll.POLLERR);
        }
        _core.Reset();
        Events = events;
        _cancellation = cancellation;
        _registration = cancellation.UnsafeRegister(static poller => ((AsyncPoller)poller!).Nudge(), file.Engine.Poller);
        file.Engine.Poller.Add(this);
        return new(this, _core.Version);
    }

    /// <summary>On the poller's thread: completes the wait if it is over.</summary>
    public bool TryComplete()
    {
        if (_cancellation.IsCancellationRequested)
        {
            Finish();
            _core.SetException(new OperationCanceledException(_cancellation));
            return true;
        }
        _bell!.Drain();
        short found = file.Poller.Look(Events, _bell);
        if (found == 0)
            return false;
        Complete(found);
        return true;
    }

    public void Complete(short found)
    {
        Finish();
        _core.SetResult(found);
    }

    short IValueTaskSource<short>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<short>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<short>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);

    private void Finish()
    {
        _registration.Dispose();
        file.Bells.Return(_bell!);
        Volatile.Write(ref _waiting, 0);
    }
}
