namespace Netmap;

/// <summary>An open netmap port: a set of rings in shared memory on one interface.</summary>
public sealed class NetmapPort : IDisposable
{
    private NetmapPort()
    {
    }

    /// <summary>Opens a port and binds its rings.</summary>
    /// <param name="name"><c>netmap:eth0</c>, <c>netmap:eth0-2/T</c> …: the grammar of netmap's nm_open and libnetmap (spec 11.2).</param>
    /// <param name="options">What the name does not say.</param>
    /// <param name="engine">The engine that hosts the port; the process-wide one by default.</param>
    /// <exception cref="NetmapException">ENXIO no such interface, ENETDOWN, EPERM, EBUSY, EINVAL bad name or ring, ENOMEM.</exception>
    public static NetmapPort Open(string name, NetmapPortOptions? options = null, NetmapEngine? engine = null) =>
        throw new NotSupportedException();

    /// <summary>Bound transmit rings, in order.</summary>
    public IReadOnlyList<TxRing> TxRings => throw new NotSupportedException();

    /// <summary>Bound receive rings, in order.</summary>
    public IReadOnlyList<RxRing> RxRings => throw new NotSupportedException();

    /// <summary>The name as given to <see cref="Open"/>.</summary>
    public string Name => throw new NotSupportedException();

    /// <summary>What the port is and how it runs now; a handful of system calls.</summary>
    public PortInfo Info => throw new NotSupportedException();

    /// <summary>Extra buffers granted.</summary>
    public int ExtraBufferCount => throw new NotSupportedException();

    /// <summary>Descriptor-free snapshot of the counters; no system call except the device's own drop counters.</summary>
    public PortStatistics GetStatistics() => throw new NotSupportedException();

    /// <summary>Sends what was advanced on every bound transmit ring and reclaims completed slots (NIOCTXSYNC).</summary>
    /// <exception cref="NetmapException">EIO a ring is stopped, ENETDOWN, ENXIO the interface is gone.</exception>
    public void TxSync() => throw new NotSupportedException();

    /// <summary>Takes back released slots and fills in frames that arrived (NIOCRXSYNC).</summary>
    /// <exception cref="NetmapException">EIO a ring is stopped, ENETDOWN, ENXIO the interface is gone.</exception>
    public void RxSync() => throw new NotSupportedException();

    /// <summary>Syncs, and blocks until one of <paramref name="events"/> holds or the time runs out (poll(2), spec 4).</summary>
    /// <param name="events">What to wait for.</param>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever, zero to only look.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The events that hold, <see cref="PollEvents.Error"/> included; None after the timeout.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public PollEvents Poll(PollEvents events, TimeSpan timeout, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <summary>Completes when a bound receive ring holds frames; no thread is blocked meanwhile.</summary>
    /// <returns>The events found.</returns>
    public ValueTask<PollEvents> WaitForReceiveAsync(CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <summary>Completes when a bound transmit ring has free slots; no thread is blocked meanwhile.</summary>
    public ValueTask<PollEvents> WaitForTransmitAsync(CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <summary>Closes the port: frames not yet synced are lost, rings and buffers go back, the host gets its traffic back.</summary>
    public void Dispose() => throw new NotSupportedException();
}
