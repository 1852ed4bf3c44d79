using Netmap.Adapters;
using Netmap.Adapters.Monitor;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// Which rings a REGISTER binds, [first, end) in each direction (spec 3.4): places in <see cref="NetmapAdapter.AllTxRings"/>
/// and <see cref="NetmapAdapter.AllRxRings"/>, where the host's rings follow the NIC's.
/// </summary>
internal readonly record struct RingSelection(int TxFirst, int TxEnd, int RxFirst, int RxEnd)
{
    /// <exception cref="NetmapException">EINVAL: unknown mode, ring out of range, host rings of a port that has none.</exception>
    public static RingSelection From(in nmreq_register request, NetmapAdapter adapter)
    {
        bool tx = (request.nr_flags & NetmapH.NR_RX_RINGS_ONLY) == 0;
        bool rx = (request.nr_flags & NetmapH.NR_TX_RINGS_ONLY) == 0;
        if (!tx && !rx)
            return default;
        RingSelection all = IsHost(request.nr_mode) && adapter is MonitorAdapter { Binding: var rings }
            ? new(0, 1, rings.Start.Value, rings.End.Value)
            : Select(request.nr_mode, request.nr_ringid, adapter);
        return new(tx ? all.TxFirst : 0, tx ? all.TxEnd : 0, rx ? all.RxFirst : 0, rx ? all.RxEnd : 0);
    }

    /// <summary>
    /// Which rings a monitor looks at (spec 9). Where it names one ring, a direction that has fewer gives it nothing: what it
    /// reads is the ring of that number.
    /// </summary>
    /// <param name="request">Mode and ring.</param>
    /// <param name="parent">The port to look at.</param>
    /// <param name="wanted">Sent frames, received ones.</param>
    /// <exception cref="NetmapException">EINVAL as for <see cref="From"/>, and where no chosen direction has the ring.</exception>
    public static RingSelection Watched(in nmreq_register request, NetmapAdapter parent, (bool Tx, bool Rx) wanted)
    {
        RingSelection all = Select(request.nr_mode, request.nr_ringid, parent);
        (int tx, int rx) = request.nr_mode switch
        {
            NetmapReq.NR_REG_ONE_NIC => (parent.TxRingCount, parent.RxRingCount),
            NetmapReq.NR_REG_ONE_SW => (parent.Host!.TxCount, parent.Host.RxCount),
            _ => (int.MaxValue, int.MaxValue),
        };
        wanted = (wanted.Tx && request.nr_ringid < tx, wanted.Rx && request.nr_ringid < rx);
        if (wanted is (false, false))
            throw new NetmapException(Errno.EINVAL, "open", parent.Name,
                $"no ring {request.nr_ringid} to monitor in that direction; the port has {tx} for transmit and {rx} for receive, from 0");
        return new(wanted.Tx ? all.TxFirst : 0, wanted.Tx ? all.TxEnd : 0, wanted.Rx ? all.RxFirst : 0, wanted.Rx ? all.RxEnd : 0);
    }

    private static RingSelection Select(uint mode, int id, NetmapAdapter adapter)
    {
        (int nicTx, int nicRx) = (adapter.TxRingCount, adapter.RxRingCount);
        (int hostTx, int hostRx) = (adapter.Host?.TxCount ?? 0, adapter.Host?.RxCount ?? 0);
        if (IsHost(mode) && hostTx == 0 && hostRx == 0)
            throw new NetmapException(Errno.EINVAL, "open", adapter.Name, $"this {adapter.Kind} port has no host rings (^ and *)");
        return mode switch
        {
            NetmapReq.NR_REG_ALL_NIC or NetmapReq.NR_REG_NULL => new(0, nicTx, 0, nicRx),
            NetmapReq.NR_REG_SW => new(nicTx, nicTx + hostTx, nicRx, nicRx + hostRx),
            NetmapReq.NR_REG_NIC_SW => new(0, nicTx + hostTx, 0, nicRx + hostRx),
            NetmapReq.NR_REG_ONE_NIC => One(adapter, "ring", id, (0, nicTx), (0, nicRx)),
            NetmapReq.NR_REG_ONE_SW => One(adapter, "host ring", id, (nicTx, hostTx), (nicRx, hostRx)),
            _ => throw new NetmapException(Errno.EINVAL, "open", adapter.Name, $"unknown mode {mode}"),
        };
    }

    private static bool IsHost(uint mode) => mode is NetmapReq.NR_REG_SW or NetmapReq.NR_REG_NIC_SW or NetmapReq.NR_REG_ONE_SW;

    /// <summary>Ring <paramref name="id"/>, or ring 0 in a direction that has fewer.</summary>
    private static RingSelection One(NetmapAdapter adapter, string what, int id, (int First, int Count) tx, (int First, int Count) rx)
    {
        if (id >= tx.Count && id >= rx.Count)
            throw new NetmapException(Errno.EINVAL, "open", adapter.Name,
                $"no {what} {id}; the port has {tx.Count} for transmit and {rx.Count} for receive, from 0");
        int txRing = tx.First + (id < tx.Count ? id : 0);
        int rxRing = rx.First + (id < rx.Count ? id : 0);
        return new(txRing, txRing + 1, rxRing, rxRing + 1);
    }
}
