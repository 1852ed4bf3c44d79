using System.Runtime.InteropServices;
using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>The requests themselves (spec 3.4, 3.5). Under the control lock; bodies are copies.</summary>
internal static class Requests
{
    /// <param name="file">Whose request it is.</param>
    /// <param name="type">NETMAP_REQ_*.</param>
    /// <param name="name">nr_name; VALE_LIST may answer with another.</param>
    /// <param name="body">Copy of the body, which goes back.</param>
    /// <param name="options">The request's options.</param>
    /// <exception cref="NetmapException">The request's refusal.</exception>
    public static void Run(NetmapFile file, ushort type, ref string name, Span<byte> body, OptionList options)
    {
        switch (type)
        {
            case NetmapReq.NETMAP_REQ_REGISTER:
                Register(file, name, ref MemoryMarshal.AsRef<nmreq_register>(body), options);
                break;
            case NetmapReq.NETMAP_REQ_PORT_INFO_GET:
                PortInfo(file.Caller, name, ref MemoryMarshal.AsRef<nmreq_port_info_get>(body));
                break;
            case NetmapReq.NETMAP_REQ_POOLS_INFO_GET:
                PoolsInfo(file.Caller, name, ref MemoryMarshal.AsRef<nmreq_pools_info>(body));
                break;
            case NetmapReq.NETMAP_REQ_PORT_HDR_GET:
                PortHeader(file.Caller, name, ref MemoryMarshal.AsRef<nmreq_port_hdr>(body));
                break;
            case NetmapReq.NETMAP_REQ_PORT_HDR_SET:
                ValeRequests.SetHeader(file.Caller, name, MemoryMarshal.AsRef<nmreq_port_hdr>(body));
                break;
            case NetmapReq.NETMAP_REQ_VALE_ATTACH:
                ValeRequests.Attach(file.Caller, name, ref MemoryMarshal.AsRef<nmreq_vale_attach>(body));
                break;
            case NetmapReq.NETMAP_REQ_VALE_DETACH:
                ValeRequests.Detach(file.Caller, name, ref MemoryMarshal.AsRef<nmreq_vale_detach>(body));
                break;
            case NetmapReq.NETMAP_REQ_VALE_LIST:
                ValeRequests.List(file.Engine, ref name, ref MemoryMarshal.AsRef<nmreq_vale_list>(body));
                break;
            case NetmapReq.NETMAP_REQ_VALE_NEWIF:
                ValeRequests.NewInterface(file.Caller, name, ref MemoryMarshal.AsRef<nmreq_vale_newif>(body));
                break;
            case NetmapReq.NETMAP_REQ_VALE_DELIF:
                ValeRequests.DeleteInterface(file.Caller, name);
                break;
            case NetmapReq.NETMAP_REQ_VALE_POLLING_ENABLE or NetmapReq.NETMAP_REQ_VALE_POLLING_DISABLE:
                ValeRequests.Polling(file.Caller, name, type == NetmapReq.NETMAP_REQ_VALE_POLLING_ENABLE,
                    MemoryMarshal.AsRef<nmreq_vale_polling>(body));
                break;
            case NetmapReq.NETMAP_REQ_CSB_ENABLE:
                if (!EnableCsb(file, options, binds: false))
                    throw new NetmapException(Errno.EINVAL, "csb", name, "the request needs the CSB option");
                break;
            default:
                bool known = ControlRequest.BodySize(type) >= 0;
                throw new NetmapException(known ? Errno.EOPNOTSUPP : Errno.EINVAL, "request", name,
                    known ? $"request type {type} is not supported by this version" : $"no request type {type}");
        }
    }

    /// <summary>PORT_INFO_GET (spec 3.5): sizes, without binding anything. A port that is made for the question has the shape asked for.</summary>
    public static void PortInfo(Caller caller, string name, ref nmreq_port_info_get body)
    {
        if (name.Length == 0)
        {
            NetmapMemory memory = caller.Engine.Memories.Take(caller.Owner, body.nr_mem_id, null);
            body.nr_memsize = (ulong)memory.Bytes;
            body.nr_mem_id = (ushort)memory.Id;
            caller.Engine.Memories.Release(memory);
            return;
        }
        nmreq_register request = PortLookup.Plain(body.nr_mem_id);
        (request.nr_tx_rings, request.nr_rx_rings) = (body.nr_tx_rings, body.nr_rx_rings);
        (request.nr_tx_slots, request.nr_rx_slots) = (body.nr_tx_slots, body.nr_rx_slots);
        NetmapAdapter adapter = PortLookup.Acquire(caller, name, request, PortUse.Inspect);
        body.nr_memsize = (ulong)adapter.Memory.Bytes;
        body.nr_mem_id = (ushort)adapter.Memory.Id;
        body.nr_tx_rings = (ushort)adapter.TxRingCount;
        body.nr_rx_rings = (ushort)adapter.RxRingCount;
        body.nr_tx_slots = (uint)adapter.TxSlots;
        body.nr_rx_slots = (uint)adapter.RxSlots;
        body.nr_host_tx_rings = (ushort)(adapter.Host?.TxCount ?? 0);
        body.nr_host_rx_rings = (ushort)(adapter.Host?.RxCount ?? 0);
        caller.Engine.Release(adapter);
    }

    private static void Register(NetmapFile file, string name, ref nmreq_register body, OptionList options)
    {
        file.Register(name, ref body, options.Offsets, options.External);
        try
        {
            EnableCsb(file, options, binds: true);
        }
        catch
        {
            options.Offsets?.Undo();
            file.Unregister();
            throw;
        }
        if (!options.HasUnsupported)
            return;
        options.Offsets?.Undo();
        file.Unregister();
        throw new NetmapException(Errno.EOPNOTSUPP, "open", name, "an option of the request is not supported by this version");
    }

    /// <summary>The CSB option (spec 10); false when there is none.</summary>
    private static bool EnableCsb(NetmapFile file, OptionList options, bool binds)
    {
        if (!options.TryRead(NetmapReq.NETMAP_REQ_OPT_CSB, out nmreq_opt_csb csb))
            return false;
        try
        {
            file.PrepareCsb(csb, options.Program, binds, options.StatusOf(NetmapReq.NETMAP_REQ_OPT_CSB));
            options.Settle(NetmapReq.NETMAP_REQ_OPT_CSB, Errno.Success);
            return true;
        }
        catch (NetmapException refusal)
        {
            options.Settle(NetmapReq.NETMAP_REQ_OPT_CSB, refusal.Errno);
            throw;
        }
    }

    private static void PoolsInfo(Caller caller, string name, ref nmreq_pools_info body)
    {
        if (name.Length == 0)
            throw new NetmapException(Errno.ENXIO, "pools info", null, "a port's name is needed");
        NetmapAdapter adapter = PortLookup.Acquire(caller, name, PortLookup.Plain(body.nr_mem_id), PortUse.Inspect);
        NetmapMemory memory = adapter.Memory;
        MemoryGeometry geometry = memory.Geometry;
        body.nr_memsize = (ulong)memory.Bytes;
        body.nr_mem_id = (ushort)memory.Id;
        body.nr_if_pool_offset = 0;
        body.nr_if_pool_objtotal = (uint)geometry.Interfaces.Count;
        body.nr_if_pool_objsize = (uint)geometry.Interfaces.ObjectSize;
        body.nr_ring_pool_offset = (ulong)memory.RingPoolOffset;
        body.nr_ring_pool_objtotal = (uint)geometry.Rings.Count;
        body.nr_ring_pool_objsize = (uint)geometry.Rings.ObjectSize;
        body.nr_buf_pool_offset = (ulong)memory.BufferPoolOffset;
        body.nr_buf_pool_objtotal = (uint)geometry.Buffers.Count;
        body.nr_buf_pool_objsize = (uint)geometry.Buffers.ObjectSize;
        caller.Engine.Release(adapter);
    }

    /// <summary>PORT_HDR_GET of an existing port: interfaces carry no virtio-net header.</summary>
    public static void PortHeader(Caller caller, string name, ref nmreq_port_hdr body)
    {
        NetmapAdapter adapter = PortLookup.Acquire(caller, name, PortLookup.Plain(), PortUse.Find);
        body.nr_hdr_len = (uint)adapter.HeaderLength;
        caller.Engine.Release(adapter);
    }
}
