using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>
/// The options a port's name may carry, <c>@share @extmem @conf @offset</c>, and the functions that add the same (spec 11.2).
/// </summary>
internal static unsafe class PortOptions
{
    private const uint Mandatory = LibNetmapH.NMREQ_OPTK_DEFAULT | LibNetmapH.NMREQ_OPTK_MUSTSET;

    /// <summary>First of the list of parsers; made once, never freed.</summary>
    public static nmreq_opt_parser* Parsers { get; } = MakeParsers();

    [UnmanagedCallersOnly(EntryPoint = "nmport_disable_option")]
    public static void Disable(byte* option)
    {
        if (Find(option) is var parser && parser != null)
            parser->flags |= LibNetmapH.NMREQ_OPTF_DISABLED;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_enable_option")]
    public static int Enable(byte* option)
    {
        nmreq_opt_parser* parser = Find(option);
        if (parser == null)
        {
            Marshal.SetLastSystemError((int)Errno.EOPNOTSUPP);
            return -1;
        }
        parser->flags &= ~LibNetmapH.NMREQ_OPTF_DISABLED;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_offset")]
    public static int ExportedOffset(nmport_d* port, ulong initial, ulong most, ulong bits, ulong gap) =>
        Offset(port, initial, most, bits, gap);

    public static int Offset(nmport_d* port, ulong initial, ulong most, ulong bits, ulong gap)
    {
        nmreq_opt_offsets* option = Context.New<nmreq_opt_offsets>((nmctx*)port->ctx);
        if (option == null)
            return -1;
        option->nro_opt.nro_reqtype = NetmapReq.NETMAP_REQ_OPT_OFFSETS;
        option->nro_offset_bits = (uint)bits;
        option->nro_initial_offset = initial;
        option->nro_max_offset = most;
        option->nro_min_gap = gap;
        return Add(port, &option->nro_opt);
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_extmem")]
    public static int ExportedExternalMemory(nmport_d* port, void* start, nuint size) => ExternalMemory(port, start, size);

    public static int ExternalMemory(nmport_d* port, void* start, nuint size)
    {
        nmctx* ctx = (nmctx*)port->ctx;
        if (port->register_done != 0)
            return Context.Fail(ctx, Errno.EINVAL, $"{CText.String(port->hdr.nr_name)}: memory is set before the port is registered");
        if (port->extmem != null)
            return Context.Fail(ctx, Errno.EINVAL, $"{CText.String(port->hdr.nr_name)}: it has memory of its own already");
        nmreq_opt_extmem* option = Context.New<nmreq_opt_extmem>(ctx);
        if (option == null)
            return -1;
        option->nro_opt.nro_reqtype = NetmapReq.NETMAP_REQ_OPT_EXTMEM;
        option->nro_usrptr = (ulong)start;
        option->nro_info.nr_memsize = size;
        if (Add(port, &option->nro_opt) < 0)
            return -1;
        port->extmem = option;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_extmem_from_file")]
    public static int ExportedFromFile(nmport_d* port, byte* file) => FromFile(port, file);

    /// <summary>Maps the whole file, shared, and uses it.</summary>
    public static int FromFile(nmport_d* port, byte* file)
    {
        nmctx* ctx = (nmctx*)port->ctx;
        SysResult opened = Fcntl.open(file, Fcntl.O_RDWR);
        if (opened.IsError)
            return Context.Fail(ctx, opened.Errno, $"{CText.String(file)}: {Context.Words(opened.Errno)}");
        SysResult size = Unistd.lseek(opened.Int32, 0, Unistd.SEEK_END);
        SysResult mapped = size.IsError ? size
            : SysMman.mmap(null, (nuint)size.Value, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, opened.Int32, 0);
        Unistd.close(opened.Int32);
        if (mapped.IsError)
            return Context.Fail(ctx, mapped.Errno, $"{CText.String(file)}: it cannot be mapped: {Context.Words(mapped.Errno)}");
        if (!Cleanup.PushMapping(port, (void*)mapped.Value, (nuint)size.Value))
        {
            SysMman.munmap((void*)mapped.Value, (nuint)size.Value);
            Marshal.SetLastSystemError((int)Errno.ENOMEM);
            return -1;
        }
        if (ExternalMemory(port, (void*)mapped.Value, (nuint)size.Value) == 0)
            return 0;
        int errno = Marshal.GetLastSystemError();
        Cleanup.Pop(port);
        Marshal.SetLastSystemError(errno);
        return -1;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_extmem_getinfo")]
    public static nmreq_pools_info* ExternalInfo(nmport_d* port) => port->extmem == null ? null : &port->extmem->nro_info;

    private static int Add(nmport_d* port, nmreq_option* option)
    {
        if (!Cleanup.PushOption(port, option))
        {
            Context.Free((nmctx*)port->ctx, option);
            Marshal.SetLastSystemError((int)Errno.ENOMEM);
            return -1;
        }
        Requests.Push(&port->hdr, option);
        return 0;
    }

    private static nmreq_opt_parser* Find(byte* option)
    {
        nmreq_opt_parser* parser = Parsers;
        while (parser != null && !CText.Span(parser->prefix).SequenceEqual(CText.Span(option)))
            parser = parser->next;
        return parser;
    }

    private static nmreq_opt_parser* MakeParsers()
    {
        nmreq_opt_parser* list = null;
        Make(ref list, "share"u8, (delegate* unmanaged<nmreq_parse_ctx*, int>)&OptionParsers.Share, 0, Mandatory, "port"u8);
        nmreq_opt_parser* extmem = Make(ref list, "extmem"u8, (delegate* unmanaged<nmreq_parse_ctx*, int>)&OptionParsers.ExternalMemory, 0, Mandatory, "file"u8);
        AddKey(extmem, "if_num"u8);
        AddKey(extmem, "if_size"u8);
        AddKey(extmem, "ring_num"u8);
        AddKey(extmem, "ring_size"u8);
        AddKey(extmem, "buf_num"u8);
        AddKey(extmem, "buf_size"u8);
        nmreq_opt_parser* conf = Make(ref list, "conf"u8, (delegate* unmanaged<nmreq_parse_ctx*, int>)&OptionParsers.Configuration, 0, 0, "rings"u8);
        AddKey(conf, "host_rings"u8);
        AddKey(conf, "slots"u8);
        AddKey(conf, "tx_rings"u8);
        AddKey(conf, "rx_rings"u8);
        AddKey(conf, "host_tx_rings"u8);
        AddKey(conf, "host_rx_rings"u8);
        AddKey(conf, "tx_slots"u8);
        AddKey(conf, "rx_slots"u8);
        AddKey(conf, "users"u8);
        AddKey(conf, "owner"u8);
        nmreq_opt_parser* offset = Make(ref list, "offset"u8, (delegate* unmanaged<nmreq_parse_ctx*, int>)&OptionParsers.Offset,
            LibNetmapH.NMREQ_OPTF_DISABLED, Mandatory, "initial"u8);
        AddKey(offset, "bits"u8);
        return list;
    }

    private static nmreq_opt_parser* Make(ref nmreq_opt_parser* list, ReadOnlySpan<byte> prefix, void* parse, uint flags,
        uint firstKeyFlags, ReadOnlySpan<byte> firstKey)
    {
        nmreq_opt_parser* made = (nmreq_opt_parser*)NativeMemory.AllocZeroed((nuint)sizeof(nmreq_opt_parser));
        made->prefix = CText.Constant(prefix);
        made->parse = parse;
        made->flags = flags;
        made->default_key = (firstKeyFlags & LibNetmapH.NMREQ_OPTK_DEFAULT) != 0 ? 0 : -1;
        made->next = list;
        list = made;
        AddKey(made, firstKey, firstKeyFlags);
        return made;
    }

    private static void AddKey(nmreq_opt_parser* parser, ReadOnlySpan<byte> key, uint flags = 0)
    {
        int id = parser->nr_keys++;
        parser->keys[id] = new() { key = CText.Constant(key), id = id, flags = flags };
    }
}
