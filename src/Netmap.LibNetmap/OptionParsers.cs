using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>What each option of a port's name does to its descriptor, the token. Keys are in the order PortOptions adds them.</summary>
internal static unsafe class OptionParsers
{
    [UnmanagedCallersOnly]
    public static int Share(nmreq_parse_ctx* found)
    {
        nmport_d* port = (nmport_d*)found->token;
        byte* other = (byte*)found->keys[0];
        int id = Registration.MemoryId(ref other, found->ctx);
        if (id < 0)
            return -1;
        if (port->reg.nr_mem_id != 0 && port->reg.nr_mem_id != id)
            return Context.Fail(found->ctx, Errno.EINVAL, $"the memory id is {port->reg.nr_mem_id} already, that of the shared port is {id}");
        port->reg.nr_mem_id = (ushort)id;
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int ExternalMemory(nmreq_parse_ctx* found)
    {
        nmport_d* port = (nmport_d*)found->token;
        if (PortOptions.FromFile(port, (byte*)found->keys[0]) < 0)
            return -1;
        nmreq_pools_info* info = &port->extmem->nro_info;
        Set(found, 1, ref info->nr_if_pool_objtotal);
        Set(found, 2, ref info->nr_if_pool_objsize);
        Set(found, 3, ref info->nr_ring_pool_objtotal);
        Set(found, 4, ref info->nr_ring_pool_objsize);
        Set(found, 5, ref info->nr_buf_pool_objtotal);
        Set(found, 6, ref info->nr_buf_pool_objsize);
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int Configuration(nmreq_parse_ctx* found)
    {
        // netmap's requests have no place for these two.
        if (found->keys[9] != 0)
            return Context.Fail(found->ctx, Errno.EOPNOTSUPP, "users= has no place in netmap's API: set NETMAP_SHARE, or use netmap run --share");
        if (found->keys[10] != 0)
            return Context.Fail(found->ctx, Errno.EOPNOTSUPP, "owner= has no place in netmap's API: set NETMAP_OWNER, or use netmap run --owner");
        nmreq_register* register = &((nmport_d*)found->token)->reg;
        Set(found, 0, ref register->nr_tx_rings);
        Set(found, 0, ref register->nr_rx_rings);
        Set(found, 1, ref register->nr_host_tx_rings);
        Set(found, 1, ref register->nr_host_rx_rings);
        Set(found, 2, ref register->nr_tx_slots);
        Set(found, 2, ref register->nr_rx_slots);
        Set(found, 3, ref register->nr_tx_rings);
        Set(found, 4, ref register->nr_rx_rings);
        Set(found, 5, ref register->nr_host_tx_rings);
        Set(found, 6, ref register->nr_host_rx_rings);
        Set(found, 7, ref register->nr_tx_slots);
        Set(found, 8, ref register->nr_rx_slots);
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int Offset(nmreq_parse_ctx* found)
    {
        ulong initial = (ulong)CText.ToNumber((byte*)found->keys[0]);
        uint bits = 0;
        Set(found, 1, ref bits);
        return PortOptions.Offset((nmport_d*)found->token, initial, initial, bits, 0);
    }

    private static void Set(nmreq_parse_ctx* found, int key, ref uint field)
    {
        if (found->keys[key] != 0)
            field = (uint)CText.ToNumber((byte*)found->keys[key]);
    }

    private static void Set(nmreq_parse_ctx* found, int key, ref ushort field)
    {
        if (found->keys[key] != 0)
            field = (ushort)CText.ToNumber((byte*)found->keys[key]);
    }
}
