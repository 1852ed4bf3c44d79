using Netmap.Client;
using Netmap.Interop;

namespace Netmap;

/// <summary>
/// An open netmap port: rings in shared memory on one interface. One thread may use a ring at a time; different rings,
/// and different ports, are independent. Source: netmap(4), spec 3 and 4.
/// </summary>
public sealed class NetmapPort : IDisposable
{
    private readonly IPortFile _file;
    private readonly NetmapRing[] _rings;

    private NetmapPort(string name, PortName parsed, IPortFile file, int maxOffset, PortRings rings)
    {
        Name = name;
        PortName = parsed;
        _file = file;
        MaxOffset = maxOffset;
        (TxRings, RxRings) = (new(rings.Tx), new(rings.Rx));
        (HostTxRings, HostRxRings) = (new([.. rings.Tx.Where(ring => ring.IsHost)]), new([.. rings.Rx.Where(ring => ring.IsHost)]));
        (ExtraBufferCount, FirstExtraBuffer) = (rings.ExtraBuffers, rings.FirstExtraBuffer);
        _rings = [.. rings.Tx, .. rings.Rx];
    }

    /// <summary>Opens a port and binds its rings.</summary>
    /// <param name="name"><c>netmap:eth0</c>, <c>netmap:eth0-2/T</c> …: the grammar of netmap's nm_open and libnetmap (spec 11.2).</param>
    /// <param name="options">What the name does not say.</param>
    /// <param name="engine">The engine that hosts the port; the process-wide one by default.</param>
    /// <exception cref="NetmapException">
    /// ENXIO no such interface, EPERM no privilege, EBUSY bound exclusively or by a bridge, EINVAL bad
    /// name, ring or MTU, or name and options disagree, EIO a virtio-net header not accepted, ENOMEM a pool is exhausted,
    /// EOPNOTSUPP.
    /// </exception>
    public static NetmapPort Open(string name, NetmapPortOptions? options = null, NetmapEngine? engine = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        options ??= new();
        PortName parsed = PortName.Parse(name, options.AcceptOffsets);
        IPortFile file = options.Host is { } host ? new RemotePortFile(host) : new LocalPortFile((engine ?? NetmapEngine.Default).Core);
        try
        {
            int maxOffset = PortRequest.Register(file, parsed, options, out nmreq_register granted);
            return new NetmapPort(name, parsed, file, maxOffset, file.Rings(granted));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What a port is, without binding it: the host keeps its traffic.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="engine">The engine that would host it.</param>
    /// <exception cref="NetmapException">ENXIO no such interface, EINVAL bad name.</exception>
    public static PortInfo Query(string name, NetmapEngine? engine = null) => PortReport.QueryInfo((engine ?? NetmapEngine.Default).Core.Own, name);

    /// <summary>The counters of a port, whoever in the engine has it open, without binding it; those of a port nobody has open are 0.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="engine">The engine that hosts it.</param>
    /// <exception cref="NetmapException">ENXIO no such interface, EINVAL bad name.</exception>
    public static PortStatistics QueryStatistics(string name, NetmapEngine? engine = null) =>
        PortReport.QueryStatistics((engine ?? NetmapEngine.Default).Core.Own, name);

    /// <summary>What a port of a server is, without binding it.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="host">As <see cref="NetmapPortOptions.Host"/>.</param>
    /// <exception cref="NetmapException">ENOENT, ECONNREFUSED no server there; ENXIO no such interface, EINVAL bad name.</exception>
    public static PortInfo QueryHost(string name, string host)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(host);
        PortName.Parse(name);
        using RemotePortFile file = new(host);
        return file.Query(name);
    }

    /// <summary>As <see cref="QueryStatistics"/>, of a port of a server.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="host">As <see cref="NetmapPortOptions.Host"/>.</param>
    /// <exception cref="NetmapException">As <see cref="QueryHost"/>.</exception>
    public static PortStatistics QueryHostStatistics(string name, string host)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(host);
        PortName.Parse(name);
        using RemotePortFile file = new(host);
        return file.QueryStatistics(name);
    }

    /// <summary>The name as given to <see cref="Open"/>.</summary>
    public string Name { get; }

    /// <summary>The name taken apart.</summary>
    public PortName PortName { get; }

    /// <summary>Bound transmit rings, in order: the interface's, then the host's (<c>^</c>, <c>*</c>).</summary>
    public RingList<TxRing> TxRings { get; }

    /// <summary>Bound receive rings, in order: the interface's, then the host's.</summary>
    public RingList<RxRing> RxRings { get; }

    /// <summary>Those of <see cref="TxRings"/> whose frames arrive at the host's stack as if the interface had received them.</summary>
    public RingList<TxRing> HostTxRings { get; }

    /// <summary>Those of <see cref="RxRings"/> that hold what the host's stack sends through the interface.</summary>
    public RingList<RxRing> HostRxRings { get; }

    /// <summary>The largest offset a slot may have, in bytes; 0 unless offsets were asked for. A ring's first user decides.</summary>
    public int MaxOffset { get; }

    /// <summary>Extra buffers granted.</summary>
    public int ExtraBufferCount { get; }

    /// <summary>
    /// First of the extra buffers, 0 for none; each begins with the index of the next (netmap(4), <c>ni_bufs_head</c>).
    /// </summary>
    public uint FirstExtraBuffer { get; }

    /// <summary>What the port is and how it runs now; a handful of system calls.</summary>
    /// <exception cref="NetmapException">ENXIO the interface is gone.</exception>
    public PortInfo Info => _file.Info(PortName.Name);

    /// <summary>A snapshot of the counters of all rings of the port, those of other users included.</summary>
    public PortStatistics GetStatistics() => _file.Statistics();

    /// <summary>Sends what was advanced on every bound transmit ring and reclaims completed slots (NIOCTXSYNC).</summary>
    /// <exception cref="NetmapException">EIO the interface is gone; ENETDOWN it is down.</exception>
    public void TxSync() => Check(_file.TxSync(), "txsync");

    /// <summary>Takes back released slots and fills in frames that arrived (NIOCRXSYNC).</summary>
    /// <exception cref="NetmapException">EIO the interface is gone; ENETDOWN it is down.</exception>
    public void RxSync() => Check(_file.RxSync(), "rxsync");

    /// <summary>
    /// Syncs, and blocks until one of <paramref name="events"/> holds or the time runs out (poll(2), spec 4). A wait for
    /// receive also flushes the transmit rings, unless <see cref="NetmapPortOptions.NoTransmitOnPoll"/>.
    /// </summary>
    /// <param name="events">What to wait for.</param>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever, zero to only look.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The events that hold, <see cref="PollEvents.Error"/> included; None after the timeout.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The port was closed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time below zero.</exception>
    public PollEvents Poll(PollEvents events, TimeSpan timeout, CancellationToken cancellation = default)
    {
        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "a time to wait, or Timeout.InfiniteTimeSpan");
        ObjectDisposedException.ThrowIf(!_file.IsBound, this);
        return (PollEvents)_file.Poll((short)events, timeout, cancellation);
    }

    /// <summary>Completes when a bound receive ring holds frames; no thread is blocked meanwhile. One wait at a time.</summary>
    /// <returns>The events found.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<PollEvents> WaitForReceiveAsync(CancellationToken cancellation = default) =>
        WaitAsync(PollEvents.Receive, cancellation);

    /// <summary>Completes when a bound transmit ring has free slots; no thread is blocked meanwhile. One wait at a time.</summary>
    /// <returns>The events found.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<PollEvents> WaitForTransmitAsync(CancellationToken cancellation = default) =>
        WaitAsync(PollEvents.Transmit, cancellation);

    /// <summary>Closes the port: frames not yet synced are lost, rings and buffers go back, the host gets its traffic back.</summary>
    public void Dispose()
    {
        foreach (NetmapRing ring in _rings)
            ring.Close();
        _file.Dispose();
    }

    /// <summary><see cref="Name"/>.</summary>
    public override string ToString() => Name;

    private async ValueTask<PollEvents> WaitAsync(PollEvents events, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(!_file.IsBound, this);
        return (PollEvents)await _file.WaitAsync((short)events, cancellation).ConfigureAwait(false);
    }

    private void Check(Errno result, string operation)
    {
        if (result != Errno.Success)
            ThrowSync(result, operation);
    }

    private void ThrowSync(Errno result, string operation)
    {
        ObjectDisposedException.ThrowIf(result == Errno.ENXIO && !_file.IsBound, this);
        throw new NetmapException(result, operation, Name, result switch
        {
            Errno.ENETDOWN => "the interface is down; bring it up, the port goes on then",
            Errno.EIO => "the interface, or the server, is gone; close the port",
            _ => "the sync failed",
        });
    }
}
