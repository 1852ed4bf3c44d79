using System.Threading.Tasks.Sources;

namespace Netmap.Control;

/// <summary>
/// One asynchronous wait of one file, used again and again: waiting allocates nothing after the first time. At most one
/// wait at a time: it ends when its result is taken, not before, so that a thread that begins another one too early gets an
/// error and takes nothing from the first.
/// </summary>
/// <param name="look">The file.</param>
/// <param name="poller">Waits meanwhile; made by the first wait.</param>
internal sealed class AsyncWait(IAsyncLook look, Func<AsyncPoller> poller) : IValueTaskSource<short>
{
    // States: none; one begun, whose result is not taken yet; its result being taken.
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Taking = 2;

    private ManualResetValueTaskSourceCore<short> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private Exception? _failure;
    private int _state;

    public IAsyncLook File => look;

    /// <summary>poll(2) bits waited for.</summary>
    public short Events { get; private set; }

    /// <exception cref="InvalidOperationException">The previous wait of this file has not ended, or its result was not taken.</exception>
    /// <exception cref="NetmapException">EMFILE; EIO the server is gone.</exception>
    public ValueTask<short> Start(short events, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        short found = look.Look(events, arm: false);
        if (found != 0)
            return new(found);
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) != Idle)
            throw new InvalidOperationException("one asynchronous wait at a time on a port");
        bool begun = false;
        try
        {
            AsyncPoller waiter = poller();
            begun = look.Begin();
            if (begun)
            {
                short version = _core.Version;
                (Events, _failure) = (events, null);
                _cancellation = cancellation;
                _registration = cancellation.UnsafeRegister(static poller => ((AsyncPoller)poller!).Nudge(), waiter);
                waiter.Add(this);
                return new(this, version);
            }
        }
        finally
        {
            // Closed, or out of descriptors: the next wait may find it otherwise.
            if (!begun)
                Volatile.Write(ref _state, Idle);
        }
        return new(Interop.Poll.POLLERR);
    }

    /// <summary>On the poller's thread: completes the wait if it is over. What fails is the wait's result, not the thread's end.</summary>
    public bool TryComplete()
    {
        short found = 0;
        try
        {
            if (_cancellation.IsCancellationRequested)
                _failure ??= new OperationCanceledException(_cancellation);
            else if (_failure is null)
                found = look.Look(Events, arm: true);
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
        if (found == 0 && _failure is null)
            return false;
        Complete(found);
        return true;
    }

    /// <summary>As <see cref="IAsyncLook.PrepareSleep"/>, on the poller's thread.</summary>
    public int PrepareSleep(Span<Interop.pollfd> descriptors, ref TimeSpan left)
    {
        try
        {
            return look.PrepareSleep(descriptors, Events, ref left);
        }
        catch (Exception failure)
        {
            _failure = failure;
            return -1;
        }
    }

    public void Complete(short found)
    {
        Exception? failure = Finish() ?? _failure;
        if (failure is null)
            _core.SetResult(found);
        else
            _core.SetException(failure);
    }

    /// <summary>Takes the result, once; only then the next wait may begin.</summary>
    short IValueTaskSource<short>.GetResult(short token)
    {
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending || Interlocked.CompareExchange(ref _state, Taking, Waiting) != Waiting)
            throw new InvalidOperationException("the result of an asynchronous wait is taken once, when it is there: await it");
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Volatile.Write(ref _state, Idle);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<short>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<short>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);

    private Exception? Finish()
    {
        try
        {
            _registration.Dispose();
            look.End();
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }
}
