using Netmap.Control;
using Netmap.Interop;

namespace Netmap;

/// <summary>The open netmap file below a <see cref="NetmapPort"/>: of an engine in this process, or of a server.</summary>
internal unsafe interface IPortFile : IDisposable
{
    /// <summary>Bound, and not closed.</summary>
    bool IsBound { get; }

    /// <summary>What the port shall take, from the next REGISTER on; null for everything.</summary>
    /// <exception cref="NetmapException">ENOENT libpcap is missing; EINVAL the expression makes no sense; EIO the server is gone.</exception>
    void Filter(string? expression, string name);

    /// <summary>With whom the port shall be shared, and whose it is, from the next REGISTER on.</summary>
    /// <param name="users">Who else may open it; null for its owner alone.</param>
    /// <param name="owner">The user whose memory is agreed to; null for one's own.</param>
    /// <param name="name">The port, for messages.</param>
    /// <exception cref="NetmapException">EINVAL there is no such user; EIO the server is gone.</exception>
    void Share(string? users, string? owner, string name);

    /// <summary>NIOCCTRL on memory of this process.</summary>
    /// <param name="header">The request.</param>
    /// <param name="name">For messages.</param>
    /// <param name="lent">The file behind the memory of its option EXTMEM.</param>
    /// <exception cref="NetmapException">The refusal, in words.</exception>
    void Control(nmreq_header* header, string name, LentDescriptor? lent = null);

    /// <summary>The rings a REGISTER has bound.</summary>
    /// <param name="granted">The request's body after it succeeded.</param>
    /// <exception cref="NetmapException">ENOMEM the memory cannot be mapped; EIO the server is gone.</exception>
    PortRings Rings(in nmreq_register granted);

    /// <param name="name">As the port's user knows it.</param>
    /// <exception cref="NetmapException">ENXIO the interface is gone; EIO the server is gone.</exception>
    PortInfo Info(string name);

    /// <exception cref="NetmapException">EIO the server is gone.</exception>
    PortStatistics Statistics();

    /// <summary>NIOCTXSYNC.</summary>
    Errno TxSync();

    /// <summary>NIOCRXSYNC.</summary>
    Errno RxSync();

    /// <summary>poll(2) on this file alone.</summary>
    /// <exception cref="OperationCanceledException"/>
    short Poll(short events, TimeSpan timeout, CancellationToken cancellation);

    /// <summary>As <see cref="Poll"/>, without blocking a thread. One wait at a time.</summary>
    /// <exception cref="OperationCanceledException"/>
    ValueTask<short> WaitAsync(short events, CancellationToken cancellation);
}

/// <summary>What a REGISTER has bound, as its program sees it.</summary>
/// <param name="Tx">Transmit rings, in order.</param>
/// <param name="Rx">Receive rings, in order.</param>
/// <param name="ExtraBuffers">Extra buffers granted.</param>
/// <param name="FirstExtraBuffer">The first of them, 0 for none.</param>
internal sealed record PortRings(TxRing[] Tx, RxRing[] Rx, int ExtraBuffers, uint FirstExtraBuffer);
