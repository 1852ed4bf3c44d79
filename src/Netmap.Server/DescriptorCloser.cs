using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// Closes one user's foreign descriptors, on threads that do nothing else and end when there is nothing to do. A close that waits holds up
/// this user's others only; until it is over the descriptor stays charged to him.
/// </summary>
internal sealed class DescriptorCloser(ClientAccount account)
{
    /// <summary>Threads of a user that close at a time.</summary>
    public const int MostThreads = 4;

    private const int StackSize = 128 << 10;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly object _lock = new();
    private readonly Queue<int> _waiting = [];
    private int _threads;
    private int _idle;

    /// <summary>Threads that close now, or wait for something to close.</summary>
    public int Threads => Volatile.Read(ref _threads);

    /// <summary>Takes the descriptor over. Never blocks and never throws, so that a finalizer may call it.</summary>
    public void Close(int descriptor)
    {
        lock (_lock)
            _waiting.Enqueue(descriptor);
        Look();
    }

    /// <summary>Finds a thread for what waits: one could not be started when the process had as many as it may have.</summary>
    public void Look()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
                return;
            if (_idle > 0)
            {
                Monitor.Pulse(_lock);
                return;
            }
            if (_threads == MostThreads)
                return;
            _threads++;
        }
        try
        {
            new Thread(Run, StackSize) { IsBackground = true, Name = "netmap closer" }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            lock (_lock)
                _threads--;
        }
    }

    private void Run()
    {
        while (TryTake(out int descriptor))
        {
            Unistd.close(descriptor);
            account.Release(1);
        }
    }

    private bool TryTake(out int descriptor)
    {
        lock (_lock)
        {
            while (!_waiting.TryDequeue(out descriptor))
            {
                _idle++;
                bool called = Monitor.Wait(_lock, s_patience);
                _idle--;
                if (called || _waiting.Count > 0)
                    continue;
                _threads--;
                return false;
            }
            return true;
        }
    }
}
