using Netmap.Adapters;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>Which NIC rings a REGISTER binds, [first, end) in each direction (spec 3.4).</summary>
internal readonly record struct RingSelection(int TxFirst, int TxEnd, int RxFirst, int RxEnd)
{
    /// <exception cref="NetmapException">
    /// EINVAL unknown mode or ring out of range; EOPNOTSUPP host rings, which this version does not offer.
    /// </exception>
    public static RingSelection From(in nmreq_register request, NetmapAdapter adapter)
    {
        bool tx = (request.nr_flags & NetmapH.NR_RX_RINGS_ONLY) == 0;
        bool rx = (request.nr_flags & NetmapH.NR_TX_RINGS_ONLY) == 0;
        if (!tx && !rx)
            return default;
        int id = request.nr_ringid;
        RingSelection all = request.nr_mode switch
        {
            NetmapReq.NR_REG_ALL_NIC or NetmapReq.NR_REG_NULL => new(0, adapter.TxRingCount, 0, adapter.RxRingCount),
            NetmapReq.NR_REG_ONE_NIC => One(adapter, id),
            NetmapReq.NR_REG_SW or NetmapReq.NR_REG_NIC_SW or NetmapReq.NR_REG_ONE_SW when !adapter.IsInterface =>
                throw new NetmapException(Errno.EINVAL, "open", adapter.Name, $"a {adapter.Kind} port has no host rings (^ and *)"),
            NetmapReq.NR_REG_ONE_SW when id > 0 => throw new NetmapException(Errno.EINVAL, "open", adapter.Name,
                $"no host ring {id}; the port has host ring 0"),
            NetmapReq.NR_REG_SW or NetmapReq.NR_REG_NIC_SW or NetmapReq.NR_REG_ONE_SW => throw new NetmapException(
                Errno.EOPNOTSUPP, "open", adapter.Name, "host rings (^ and *) are not supported by this version"),
            _ => throw new NetmapException(Errno.EINVAL, "open", adapter.Name, $"unknown mode {request.nr_mode}"),
        };
        return new(tx ? all.TxFirst : 0, tx ? all.TxEnd : 0, rx ? all.RxFirst : 0, rx ? all.RxEnd : 0);
    }

    /// <summary>Ring <paramref name="id"/>, or ring 0 in a direction that has fewer.</summary>
    private static RingSelection One(NetmapAdapter adapter, int id)
    {
        if (id >= adapter.TxRingCount && id >= adapter.RxRingCount)
            throw new NetmapException(Errno.EINVAL, "open", adapter.Name,
                $"no ring {id}; the port has {adapter.TxRingCount} transmit and {adapter.RxRingCount} receive rings, from 0");
        int tx = id < adapter.TxRingCount ? id : 0;
        int rx = id < adapter.RxRingCount ? id : 0;
        return new(tx, tx + 1, rx, rx + 1);
    }
}
