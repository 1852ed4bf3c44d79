namespace Netmap.Rings;

/// <summary>Somebody who sleeps until a ring has news.</summary>
internal interface IWaiter
{
    /// <summary>
    /// Wakes the sleeper; neither blocks nor throws. Spurious calls are fine. Called after a full fence that follows the news.
    /// </summary>
    void Wake();
}

/// <summary>Who waits for a ring. Waking takes no lock: it walks an array that changes replace as a whole.</summary>
internal sealed class WaitQueue
{
    private IWaiter[] _waiters = [];

    public void Add(IWaiter waiter)
    {
        lock (this)
            Volatile.Write(ref _waiters, [.. _waiters, waiter]);
    }

    public void Remove(IWaiter waiter)
    {
        lock (this)
            Volatile.Write(ref _waiters, [.. _waiters.Where(w => w != waiter)]);
    }

    /// <summary>
    /// Tells all who wait. One full fence for all of them: it pairs with the fence of each that goes to sleep (Bell.Arm), who
    /// joins the queue, arms and then looks; without it the queue could be read before the news are stored.
    /// </summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        foreach (IWaiter waiter in Volatile.Read(ref _waiters))
            waiter.Wake();
    }
}
