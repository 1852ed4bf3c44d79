using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>nmreq_*: headers and their options (spec 11.1).</summary>
internal static unsafe class Requests
{
    [UnmanagedCallersOnly(EntryPoint = "nmreq_header_init")]
    public static void ExportedInit(nmreq_header* header, ushort type, void* body) => Init(header, type, body);

    public static void Init(nmreq_header* header, ushort type, void* body)
    {
        *header = default;
        header->nr_version = NetmapH.NETMAP_API;
        header->nr_reqtype = type;
        header->nr_body = (ulong)body;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmreq_push_option")]
    public static void ExportedPush(nmreq_header* header, nmreq_option* option) => Push(header, option);

    public static void Push(nmreq_header* header, nmreq_option* option)
    {
        option->nro_next = header->nr_options;
        header->nr_options = (ulong)option;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmreq_remove_option")]
    public static void ExportedRemove(nmreq_header* header, nmreq_option* option) => Remove(header, option);

    public static void Remove(nmreq_header* header, nmreq_option* option)
    {
        ulong* place = &header->nr_options;
        while (*place != 0 && *place != (ulong)option)
            place = &((nmreq_option*)*place)->nro_next;
        if (*place == 0)
            return;
        *place = option->nro_next;
        option->nro_next = 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmreq_find_option")]
    public static nmreq_option* Find(nmreq_header* header, uint type)
    {
        nmreq_option* option = (nmreq_option*)header->nr_options;
        while (option != null && option->nro_reqtype != type)
            option = (nmreq_option*)option->nro_next;
        return option;
    }

    /// <summary>Frees options that came from malloc(3).</summary>
    [UnmanagedCallersOnly(EntryPoint = "nmreq_free_options")]
    public static void FreeAll(nmreq_header* header)
    {
        for (nmreq_option* option = (nmreq_option*)header->nr_options; option != null;)
        {
            nmreq_option* next = (nmreq_option*)option->nro_next;
            Stdlib.free(option);
            option = next;
        }
        header->nr_options = 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmreq_option_name")]
    public static byte* ExportedName(uint type) => Name(type);

    public static byte* Name(uint type) => CText.Constant(type switch
    {
        NetmapReq.NETMAP_REQ_OPT_EXTMEM => "extmem"u8,
        NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS => "sync-kloop-eventfds"u8,
        NetmapReq.NETMAP_REQ_OPT_CSB => "csb"u8,
        NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE => "sync-kloop-mode"u8,
        NetmapReq.NETMAP_REQ_OPT_OFFSETS => "offsets"u8,
        _ => "unknown"u8,
    });
}
