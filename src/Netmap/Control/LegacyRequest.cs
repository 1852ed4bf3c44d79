using Netmap.Interop;

namespace Netmap.Control;

/// <summary>NIOCREGIF and NIOCGINFO: requests as programs made them before version 14 (spec 3.6).</summary>
internal static class LegacyRequest
{
    /// <summary>Bytes of nr_name, the terminator included.</summary>
    private const int LegacyNameSize = 16;

    public static Errno Run(NetmapFile file, uint request, ulong argument, CallerMemory memory)
    {
        if (argument == 0)
            return Errno.EINVAL;
        if (memory.Read(argument, out nmreq body) != Errno.Success)
            return Errno.EFAULT;
        Errno result = Refusable(file, request, ref body);
        // The struct goes back in every case.
        return memory.Write(argument, body) == Errno.Success ? result : Errno.EFAULT;
    }

    private static Errno Refusable(NetmapFile file, uint request, ref nmreq body)
    {
        if (body.nr_version < NetmapH.NETMAP_MIN_API)
            return Errno.EINVAL;
        file.LastRefusal = null;
        try
        {
            lock (file.Engine.ControlLock)
                Dispatch(file, request, ref body);
            return Errno.Success;
        }
        catch (NetmapException refusal)
        {
            file.LastRefusal = refusal;
            return refusal.Errno;
        }
    }

    private static unsafe void Dispatch(NetmapFile file, uint request, ref nmreq body)
    {
        string name;
        fixed (byte* field = body.nr_name)
            name = PortNames.Read(new ReadOnlySpan<byte>(field, LegacyNameSize));
        if (request == NetmapH.NIOCGINFO && body.nr_cmd == NetmapLegacy.NETMAP_BDG_LIST)
            LegacyVale.List(file.Engine, name, ref body, LegacyNameSize);
        else if (request == NetmapH.NIOCGINFO)
            Info(file.Caller, name, ref body);
        else if (body.nr_cmd == 0)
            Register(file, name, ref body);
        else
            Command(file, name, ref body);
    }

    private static void Register(NetmapFile file, string name, ref nmreq body)
    {
        nmreq_register register = Translate(body, ref name);
        file.Register(name, ref register);
        body.nr_offset = (uint)register.nr_offset;
        body.nr_memsize = (uint)register.nr_memsize;
        body.nr_tx_slots = register.nr_tx_slots;
        body.nr_rx_slots = register.nr_rx_slots;
        body.nr_tx_rings = register.nr_tx_rings;
        body.nr_rx_rings = register.nr_rx_rings;
        body.nr_arg2 = register.nr_mem_id;
        body.nr_arg3 = register.nr_extra_bufs;
    }

    private static nmreq_register Translate(in nmreq body, ref string name)
    {
        uint mode = body.nr_flags & NetmapLegacy.NR_REG_MASK;
        if (mode == NetmapReq.NR_REG_DEFAULT)
        {
            mode = (body.nr_ringid & NetmapLegacy.NETMAP_SW_RING) != 0 ? NetmapReq.NR_REG_SW
                : (body.nr_ringid & NetmapLegacy.NETMAP_HW_RING) != 0 ? NetmapReq.NR_REG_ONE_NIC
                : NetmapReq.NR_REG_ALL_NIC;
        }
        int ringId = body.nr_ringid & NetmapLegacy.NETMAP_RING_MASK;
        if (mode is NetmapReq.NR_REG_PIPE_MASTER or NetmapReq.NR_REG_PIPE_SLAVE)
        {
            // The name that grows is that of a request of today, with room for the longest old one and any number.
            name += $"{(mode == NetmapReq.NR_REG_PIPE_MASTER ? '{' : '}')}{ringId}";
            (mode, ringId) = (NetmapReq.NR_REG_ALL_NIC, 0);
        }
        ulong flags = body.nr_flags & ~(ulong)NetmapLegacy.NR_REG_MASK;
        if ((body.nr_ringid & NetmapLegacy.NETMAP_NO_TX_POLL) != 0)
            flags |= NetmapH.NR_NO_TX_POLL;
        if ((body.nr_ringid & NetmapLegacy.NETMAP_DO_RX_POLL) != 0)
            flags |= NetmapH.NR_DO_RX_POLL;
        return new()
        {
            nr_mode = mode,
            nr_flags = flags,
            nr_tx_slots = body.nr_tx_slots,
            nr_rx_slots = body.nr_rx_slots,
            nr_tx_rings = body.nr_tx_rings,
            nr_rx_rings = body.nr_rx_rings,
            nr_ringid = (ushort)ringId,
            nr_mem_id = body.nr_arg2,
            nr_extra_bufs = body.nr_arg3,
        };
    }

    private static void Info(Caller caller, string name, ref nmreq body)
    {
        nmreq_port_info_get info = new()
        {
            nr_tx_slots = body.nr_tx_slots,
            nr_rx_slots = body.nr_rx_slots,
            nr_tx_rings = body.nr_tx_rings,
            nr_rx_rings = body.nr_rx_rings,
            nr_mem_id = body.nr_arg2,
        };
        Requests.PortInfo(caller, name, ref info);
        body.nr_memsize = (uint)info.nr_memsize;
        body.nr_tx_slots = info.nr_tx_slots;
        body.nr_rx_slots = info.nr_rx_slots;
        body.nr_tx_rings = info.nr_tx_rings;
        body.nr_rx_rings = info.nr_rx_rings;
        body.nr_arg2 = info.nr_mem_id;
    }

    private static void Command(NetmapFile file, string name, ref nmreq body)
    {
        // A pipe's number, which only a registration has, is left out of the name.
        string whole = name;
        LegacyVale.Run(file.Caller, name, Translate(body, ref whole), ref body);
    }
}
