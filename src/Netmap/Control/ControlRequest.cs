using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>NIOCCTRL: checks a request, runs it and writes the answers back (spec 3.1).</summary>
internal static class ControlRequest
{
    /// <summary>Runs the request whose header is at <paramref name="argument"/>.</summary>
    public static unsafe Errno Run(NetmapFile file, ulong argument, CallerMemory memory)
    {
        if (argument == 0)
            return Errno.EINVAL;
        if (memory.Read(argument, out nmreq_header header) != Errno.Success)
            return Errno.EFAULT;
        string name = PortNames.Read(new ReadOnlySpan<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ));
        header.nr_name[NetmapH.NETMAP_REQ_IFNAMSIZ - 1] = 0;
        Errno result;
        if (header.nr_reqtype is NetmapReq.NETMAP_REQ_SYNC_KLOOP_START or NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP && Check(header) == Errno.Success)
            return KloopRequest.Run(file, header, memory);
        lock (file.Engine.ControlLock)
            result = Check(header) is var refused and not Errno.Success ? refused : Dispatch(file, header, ref name, memory);
        // Another process's memory is waited for on a thread of that process: the host has to see to it.
        if (result == Errno.Success && !memory.IsRemote && file.TakePendingCsb() is { } csb)
            result = Finish(file, csb, csb.Write(), memory);
        if (result == Errno.Success && header.nr_reqtype == NetmapReq.NETMAP_REQ_VALE_LIST)
            PortNames.Write(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ), name);
        // The header goes back in every case.
        return memory.Write(argument, header) == Errno.Success ? result : Errno.EFAULT;
    }

    /// <summary>The end of a request that has asked for CSB mode, once the arrays are written, or cannot be.</summary>
    /// <param name="file">The file.</param>
    /// <param name="csb">What was asked for.</param>
    /// <param name="written">What came of it.</param>
    /// <param name="memory">Holds the request.</param>
    public static Errno Finish(NetmapFile file, PendingCsb csb, Errno written, CallerMemory memory)
    {
        Errno result = file.Finish(csb, written);
        return result != Errno.Success && memory.Write(csb.Status, (uint)result) != Errno.Success ? Errno.EFAULT : result;
    }

    /// <summary>Bytes of each request's body; 0 for those without; -1 for a type that does not exist.</summary>
    public static int BodySize(ushort type) => type switch
    {
        NetmapReq.NETMAP_REQ_REGISTER => Unsafe.SizeOf<nmreq_register>(),
        NetmapReq.NETMAP_REQ_PORT_INFO_GET => Unsafe.SizeOf<nmreq_port_info_get>(),
        NetmapReq.NETMAP_REQ_VALE_ATTACH => Unsafe.SizeOf<nmreq_vale_attach>(),
        NetmapReq.NETMAP_REQ_VALE_DETACH => Unsafe.SizeOf<nmreq_vale_detach>(),
        NetmapReq.NETMAP_REQ_VALE_LIST => Unsafe.SizeOf<nmreq_vale_list>(),
        NetmapReq.NETMAP_REQ_PORT_HDR_SET or NetmapReq.NETMAP_REQ_PORT_HDR_GET => Unsafe.SizeOf<nmreq_port_hdr>(),
        NetmapReq.NETMAP_REQ_VALE_NEWIF => Unsafe.SizeOf<nmreq_vale_newif>(),
        NetmapReq.NETMAP_REQ_VALE_POLLING_ENABLE or NetmapReq.NETMAP_REQ_VALE_POLLING_DISABLE =>
            Unsafe.SizeOf<nmreq_vale_polling>(),
        NetmapReq.NETMAP_REQ_POOLS_INFO_GET => Unsafe.SizeOf<nmreq_pools_info>(),
        NetmapReq.NETMAP_REQ_SYNC_KLOOP_START => Unsafe.SizeOf<nmreq_sync_kloop_start>(),
        NetmapReq.NETMAP_REQ_VALE_DELIF or NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP or NetmapReq.NETMAP_REQ_CSB_ENABLE => 0,
        _ => -1,
    };

    private static Errno Check(in nmreq_header header)
    {
        bool version = header.nr_version is >= NetmapH.NETMAP_MIN_API and <= NetmapH.NETMAP_MAX_API;
        bool hasBody = BodySize(header.nr_reqtype) > 0;
        return version && header.nr_reserved == 0 && hasBody == (header.nr_body != 0) ? Errno.Success : Errno.EINVAL;
    }

    private static Errno Dispatch(NetmapFile file, in nmreq_header header, ref string name, CallerMemory memory)
    {
        int bodySize = BodySize(header.nr_reqtype);
        Span<byte> body = stackalloc byte[Math.Max(bodySize, 0)];
        if (bodySize > 0 && memory.Read(header.nr_body, body) != Errno.Success)
            return Errno.EFAULT;
        OptionList options = new();
        Errno result = options.Read(header.nr_options, NetmapH.NETMAP_REQ_MAXSIZE - Math.Max(bodySize, 0), memory);
        if (result == Errno.Success)
            result = Refusable(file, header.nr_reqtype, ref name, body, options);
        // The body goes back only on success, option statuses always.
        bool succeeded = result == Errno.Success;
        if (succeeded && bodySize > 0)
            result = memory.Write(header.nr_body, body);
        return options.WriteBack(memory, succeeded) is var written and not Errno.Success ? written : result;
    }

    /// <summary>Turns a refusal into its errno, and keeps its words for whoever asks.</summary>
    private static Errno Refusable(NetmapFile file, ushort type, ref string name, Span<byte> body, OptionList options)
    {
        file.LastRefusal = null;
        try
        {
            Requests.Run(file, type, ref name, body, options);
            return Errno.Success;
        }
        catch (NetmapException refusal)
        {
            file.LastRefusal = refusal;
            return refusal.Errno;
        }
    }
}
