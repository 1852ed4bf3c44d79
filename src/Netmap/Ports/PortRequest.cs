using Microsoft.Win32.SafeHandles;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap;

/// <summary>Puts a parsed name and options into the requests a C program would make.</summary>
internal static unsafe class PortRequest
{
    /// <summary>REGISTER.</summary>
    /// <param name="file">Where to.</param>
    /// <param name="name">The port.</param>
    /// <param name="options">What the name does not say.</param>
    /// <param name="body">What was asked for and granted.</param>
    /// <returns>The largest offset a slot may have; 0 when offsets were not asked for.</returns>
    /// <exception cref="NetmapException">Name and options disagree, or the request's refusal.</exception>
    public static int Register(IPortFile file, PortName name, NetmapPortOptions options, out nmreq_register body)
    {
        body = Body(name, options);
        body.nr_mem_id = (ushort)MemoryId(file, name, options);
        if (name.Offsets is not null && options.Offsets is not null)
            throw Disagreement(name, "offsets");
        if (name.ExternalMemory is not null && options.ExternalMemory is not null)
            throw Disagreement(name, "memory of your own");
        file.Filter(options.Filter, name.Name);
        string? users = Either(name, name.SharedWith, options.SharedWith, "the users it is shared with");
        string? owner = Either(name, name.OwnedBy, options.OwnedBy, "its owner");
        if (users is not null || owner is not null)
            file.Share(users, owner, name.Name);
        OffsetOptions? offsets = name.Offsets ?? options.Offsets;
        nmreq_opt_offsets option = Option(offsets);
        void* first = offsets is null ? null : &option;
        fixed (nmreq_register* granted = &body)
        {
            if ((name.ExternalMemory ?? options.ExternalMemory) is not { } memory)
                Run(file, NetmapReq.NETMAP_REQ_REGISTER, name.Name, granted, first);
            else
                RunIn(memory, file, name.Name, granted, first);
        }
        return offsets is null ? 0 : (int)option.nro_max_offset;
    }

    /// <summary>REGISTER with memory of the program's own.</summary>
    private static void RunIn(ExternalMemory memory, IPortFile file, string name, nmreq_register* body, void* next)
    {
        using SafeFileHandle opened = memory.Open(name);
        nmreq_opt_extmem option = memory.Option(opened);
        option.nro_opt.nro_next = (ulong)next;
        Run(file, NetmapReq.NETMAP_REQ_REGISTER, name, body, &option, memory.Lend(opened));
    }

    /// <summary>What the name alone says.</summary>
    public static nmreq_register Body(PortName name) => Body(name, new());

    private static nmreq_register Body(PortName name, NetmapPortOptions options)
    {
        if (options.NullPort && name.Mode != NetmapReq.NR_REG_ALL_NIC)
            throw new NetmapException(Errno.EINVAL, "open", name.Name, "a null port has no host rings, and is bound as a whole");
        return new()
        {
            nr_mode = options.NullPort ? NetmapReq.NR_REG_NULL : name.Mode,
            nr_ringid = (ushort)name.Ring,
            nr_flags = name.Flags | Flags(options),
            nr_mem_id = (ushort)name.MemoryId,
            nr_extra_bufs = (uint)options.ExtraBuffers,
            nr_tx_rings = (ushort)Either(name, name.TxRings, options.TxRings, "transmit rings", ushort.MaxValue),
            nr_rx_rings = (ushort)Either(name, name.RxRings, options.RxRings, "receive rings", ushort.MaxValue),
            nr_host_tx_rings = (ushort)Either(name, name.HostTxRings, options.HostTxRings, "host transmit rings", ushort.MaxValue),
            nr_host_rx_rings = (ushort)Either(name, name.HostRxRings, options.HostRxRings, "host receive rings", ushort.MaxValue),
            nr_tx_slots = (uint)Either(name, name.TxSlots, options.TxSlots, "transmit slots"),
            nr_rx_slots = (uint)Either(name, name.RxSlots, options.RxSlots, "receive slots"),
        };
    }

    /// <summary>The memory that name or options say, or that of the port to share with.</summary>
    private static int MemoryId(IPortFile file, PortName name, NetmapPortOptions options)
    {
        int id = Either(name, name.MemoryId, options.MemoryId, "memory", ushort.MaxValue);
        if (name.Share is not { } other)
            return id;
        nmreq_port_info_get info = default;
        Run(file, NetmapReq.NETMAP_REQ_PORT_INFO_GET, PortName.Parse(other).Name, &info, null);
        return Either(name, id, info.nr_mem_id, "memory", ushort.MaxValue);
    }

    /// <summary>A value that one of the two says, or both alike.</summary>
    private static int Either(PortName name, int inName, int inOptions, string what, int most = int.MaxValue)
    {
        if (inOptions < 0 || inOptions > most)
            throw new NetmapException(Errno.EINVAL, "open", name.Name, $"{what}: {inOptions} is not 0..{most}");
        if (inName != 0 && inOptions != 0 && inName != inOptions)
            throw Disagreement(name, $"{what}, {inName} and {inOptions}");
        return Math.Max(inName, inOptions);
    }

    private static string? Either(PortName name, string? inName, string? inOptions, string what) =>
        inName is not null && inOptions is not null && inName != inOptions ? throw Disagreement(name, what) : inName ?? inOptions;

    private static NetmapException Disagreement(PortName name, string what) =>
        new(Errno.EINVAL, "open", name.Name, $"name and options say different things of {what}; say it once");

    private static nmreq_opt_offsets Option(OffsetOptions? offsets) => new()
    {
        nro_opt = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_OFFSETS },
        nro_initial_offset = (ulong)(offsets?.Initial ?? 0),
        nro_max_offset = (ulong)(offsets?.Max ?? 0),
        nro_offset_bits = (uint)(offsets?.Bits ?? 0),
    };

    private static void Run(IPortFile file, ushort type, string name, void* body, void* option, LentDescriptor? lent = null)
    {
        nmreq_header header = new()
        {
            nr_version = NetmapH.NETMAP_API,
            nr_reqtype = type,
            nr_body = (ulong)body,
            nr_options = (ulong)option,
        };
        PortNames.Write(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ), name);
        file.Control(&header, name, lent);
    }

    private static ulong Flags(NetmapPortOptions options) =>
        (options.Exclusive ? NetmapH.NR_EXCLUSIVE : 0)
        | (options.TransmitOnly ? NetmapH.NR_TX_RINGS_ONLY : 0)
        | (options.ReceiveOnly ? NetmapH.NR_RX_RINGS_ONLY : 0)
        | (options.NoTransmitOnPoll ? NetmapH.NR_NO_TX_POLL : 0)
        | (options.MonitorTransmit ? NetmapH.NR_MONITOR_TX : 0)
        | (options.MonitorReceive ? NetmapH.NR_MONITOR_RX : 0)
        | (options.MonitorZeroCopy ? NetmapH.NR_ZCOPY_MON : 0)
        | (options.AcceptVnetHeader ? NetmapH.NR_ACCEPT_VNET_HDR : 0);
}
