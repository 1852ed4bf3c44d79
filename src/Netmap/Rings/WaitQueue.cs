namespace Netmap.Rings;

/// <summary>Somebody who sleeps until a ring has news.</summary>
internal interface IWaiter
{
    /// <summary>Wakes the sleeper; neither blocks nor throws. Spurious calls are fine.</summary>
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

    public void Wake()
    {
        foreach (IWaiter waiter in Volatile.Read(ref _waiters))
            waiter.Wake();
    }
}
