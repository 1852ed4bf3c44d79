using System.Threading.Tasks.Sources;

namespace Netmap.Control;

/// <summary>
/// One asynchronous wait of one file, used again and again: waiting allocates nothing after the first time. At most one
/// wait at a time.
/// </summary>
/// <param name="look">The file.</param>
/// <param name="poller">Waits meanwhile; made by the first wait.</param>
internal sealed class AsyncWait(IAsyncLook look, Func<AsyncPoller> poller) : IValueTaskSource<short>
{
    private ManualResetValueTaskSourceCore<short> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private int _waiting;

    public IAsyncLook File => look;

    /// <summary>poll(2) bits waited for.</summary>
    public short Events { get; private set; }

    /// <exception cref="InvalidOperationException">The previous wait of this file has not ended.</exception>
    /// <exception cref="NetmapException">EMFILE; EIO the server is gone.</exception>
    public ValueTask<short> Start(short events, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        short found = look.Look(events, arm: false);
        if (found != 0)
            return new(found);
        if (Interlocked.Exchange(ref _waiting, 1) != 0)
            throw new InvalidOperationException("one asynchronous wait at a time on a port");
        bool begun = false;
        try
        {
            AsyncPoller waiter = poller();
            begun = look.Begin();
            if (begun)
            {
                _core.Reset();
                Events = events;
                _cancellation = cancellation;
                _registration = cancellation.UnsafeRegister(static poller => ((AsyncPoller)poller!).Nudge(), waiter);
                waiter.Add(this);
                return new(this, _core.Version);
            }
        }
        finally
        {
            // Closed, or out of descriptors: the next wait may find it otherwise.
            if (!begun)
                Volatile.Write(ref _waiting, 0);
        }
        return new(Interop.Poll.POLLERR);
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
        short found = look.Look(Events, arm: true);
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
        look.End();
        Volatile.Write(ref _waiting, 0);
    }
}
