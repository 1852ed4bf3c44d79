namespace Netmap.Server;

/// <summary>
/// Descriptors that all clients together hold in this process. A part stays for the engine, so that neither its interfaces nor a message
/// that is being received ever finds none left.
/// </summary>
internal sealed class DescriptorBudget(long limit)
{
    /// <summary>For the engine: interfaces, regions, programs.</summary>
    public const int Reserve = 4096;

    private long _used;

    /// <summary>What the process may have, less what the engine needs; with a very low limit half of it.</summary>
    public static DescriptorBudget OfProcess() => new(Math.Max(KernelLimits.Descriptors - Reserve, KernelLimits.Descriptors / 2));

    public bool IsSpent => Volatile.Read(ref _used) >= limit;

    /// <summary>Counts in; false, and nothing is counted, when there are not so many.</summary>
    public bool TryTake(int count)
    {
        if (Interlocked.Add(ref _used, count) <= limit)
            return true;
        Give(count);
        return false;
    }

    /// <summary>Counts in what is there already.</summary>
    public void Take(int count) => Interlocked.Add(ref _used, count);

    public void Give(int count) => Interlocked.Add(ref _used, -count);
}
