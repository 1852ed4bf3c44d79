using Netmap.Interop;

namespace Netmap.Control;

/// <summary>nr_cmd of the requests before version 14, as requests about switches (spec 3.6).</summary>
internal static unsafe class LegacyVale
{
    /// <exception cref="NetmapException">What the request says; EINVAL unknown command; ENOMEM passthrough.</exception>
    public static void Run(Caller caller, string name, in nmreq_register register, ref nmreq body)
    {
        switch (body.nr_cmd)
        {
            case NetmapLegacy.NETMAP_BDG_ATTACH:
                nmreq_vale_attach attach = new() { reg = register };
                bool host = (body.nr_arg1 & NetmapLegacy.NETMAP_BDG_HOST) != 0;
                attach.reg.nr_mode = host ? NetmapReq.NR_REG_NIC_SW : NetmapReq.NR_REG_ALL_NIC;
                ValeRequests.Attach(caller, name, ref attach);
                break;
            case NetmapLegacy.NETMAP_BDG_DETACH:
                nmreq_vale_detach detach = default;
                ValeRequests.Detach(caller, name, ref detach);
                break;
            case NetmapLegacy.NETMAP_BDG_VNET_HDR:
                ValeRequests.SetHeader(caller, name, new nmreq_port_hdr { nr_hdr_len = body.nr_arg1 });
                break;
            case NetmapLegacy.NETMAP_VNET_HDR_GET:
                nmreq_port_hdr header = default;
                Requests.PortHeader(caller, name, ref header);
                body.nr_arg1 = (ushort)header.nr_hdr_len;
                break;
            case NetmapLegacy.NETMAP_BDG_NEWIF:
                NewInterface(caller, name, ref body);
                break;
            case NetmapLegacy.NETMAP_BDG_DELIF:
                ValeRequests.DeleteInterface(caller, name);
                break;
            case NetmapLegacy.NETMAP_BDG_POLLING_ON or NetmapLegacy.NETMAP_BDG_POLLING_OFF:
                ValeRequests.Polling(caller, name, body.nr_cmd == NetmapLegacy.NETMAP_BDG_POLLING_ON, Polling(body));
                break;
            case NetmapLegacy.NETMAP_PT_HOST_CREATE or NetmapLegacy.NETMAP_PT_HOST_DELETE:
                throw new NetmapException(Errno.ENOMEM, "command", name, "passthrough is not supported");
            default:
                throw new NetmapException(Errno.EINVAL, "command", name, $"no command {body.nr_cmd}");
        }
    }

    /// <summary>NIOCGINFO with nr_cmd LIST: arg1 is the switch, arg2 the port.</summary>
    /// <exception cref="NetmapException">As VALE_LIST.</exception>
    public static void List(Engine engine, string name, ref nmreq body, int nameSize)
    {
        nmreq_vale_list list = new() { nr_bridge_idx = body.nr_arg1, nr_port_idx = body.nr_arg2 };
        ValeRequests.List(engine, ref name, ref list);
        body.nr_arg1 = list.nr_bridge_idx;
        body.nr_arg2 = (ushort)list.nr_port_idx;
        fixed (byte* field = body.nr_name)
            PortNames.Write(new Span<byte>(field, nameSize), name);
    }

    private static void NewInterface(Caller caller, string name, ref nmreq body)
    {
        nmreq_vale_newif made = new()
        {
            nr_tx_slots = body.nr_tx_slots,
            nr_rx_slots = body.nr_rx_slots,
            nr_tx_rings = body.nr_tx_rings,
            nr_rx_rings = body.nr_rx_rings,
            nr_mem_id = body.nr_arg2,
        };
        ValeRequests.NewInterface(caller, name, ref made);
        body.nr_tx_slots = made.nr_tx_slots;
        body.nr_rx_slots = made.nr_rx_slots;
        body.nr_tx_rings = made.nr_tx_rings;
        body.nr_rx_rings = made.nr_rx_rings;
        body.nr_arg2 = made.nr_mem_id;
    }

    private static nmreq_vale_polling Polling(in nmreq body) => new()
    {
        nr_mode = (body.nr_flags & NetmapLegacy.NR_REG_MASK) switch
        {
            NetmapReq.NR_REG_ONE_NIC => NetmapReq.NETMAP_POLLING_MODE_MULTI_CPU,
            NetmapReq.NR_REG_ALL_NIC => NetmapReq.NETMAP_POLLING_MODE_SINGLE_CPU,
            _ => 0,
        },
        nr_first_cpu_id = (uint)(body.nr_ringid & NetmapLegacy.NETMAP_RING_MASK),
        nr_num_polling_cpus = body.nr_arg1,
    };
}
