using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// Waits for many files at once, for asynchronous callers: one thread for an engine, started by the first wait. It sleeps
/// on the bells and device descriptors of all files waited for.
/// </summary>
internal sealed class AsyncPoller : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Bell _news = new();
    private readonly List<AsyncWait> _added = [];
    private readonly List<AsyncWait> _waits = [];
    private readonly Thread _thread;
    private volatile bool _stopping;
    private bool _ended;

    public AsyncPoller()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "netmap async wait" };
        _thread.Start();
    }

    /// <summary>Whoever comes too late hears at once that the engine is gone.</summary>
    public void Add(AsyncWait wait)
    {
        bool ended;
        lock (_lock)
        {
            ended = _ended;
            if (!ended)
                _added.Add(wait);
        }
        if (ended)
            wait.Complete(Poll.POLLERR);
        else
            _news.Wake();
    }

    /// <summary>Some wait was cancelled: look at all of them.</summary>
    public void Nudge() => _news.Wake();

    public void Dispose()
    {
        _stopping = true;
        _news.Wake();
        _thread.Join();
        _news.Dispose();
    }

    private unsafe void Run()
    {
        pollfd[] descriptors = new pollfd[16];
        while (!_stopping)
        {
            _news.Arm();
            lock (_lock)
            {
                _waits.AddRange(_added);
                _added.Clear();
            }
            _waits.RemoveAll(static wait => wait.TryComplete());
            TimeSpan left = Timeout.InfiniteTimeSpan;
            int count = Collect(ref descriptors, ref left);
            if (count < 0 || _stopping)
                continue;
            timespec time = new() { tv_sec = left.Ticks / TimeSpan.TicksPerSecond, tv_nsec = left.Ticks % TimeSpan.TicksPerSecond * 100 };
            fixed (pollfd* all = descriptors)
                Poll.ppoll(all, (nuint)count, left == Timeout.InfiniteTimeSpan ? null : &time);
            if (descriptors[0].revents != 0)
                _news.Drain();
        }
        lock (_lock)
        {
            _ended = true;
            _waits.AddRange(_added);
        }
        foreach (AsyncWait wait in _waits)
            wait.Complete(Poll.POLLERR);
    }

    /// <summary>All descriptors, our own bell first; -1 when a file should be looked at again at once.</summary>
    private int Collect(ref pollfd[] descriptors, ref TimeSpan left)
    {
        int count = 1;
        bool again = false;
        foreach (AsyncWait wait in _waits)
        {
            int needed = wait.File.MaxDescriptors;
            if (descriptors.Length < count + needed)
                Array.Resize(ref descriptors, (count + needed) * 2);
            Span<pollfd> own = descriptors.AsSpan(count, needed);
            int used = wait.PrepareSleep(own, ref left);
            again |= used < 0;
            count += Math.Max(used, 0);
        }
        descriptors[0] = new() { fd = _news.Descriptor, events = Poll.POLLIN };
        return again ? -1 : count;
    }
}
