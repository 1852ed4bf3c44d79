using Netmap.Control;
using Netmap.Interop;

namespace Netmap;

/// <summary>Puts a parsed name and options into the requests a C program would make.</summary>
internal static unsafe class PortRequest
{
    public static void Register(NetmapFile file, PortName name, NetmapPortOptions options)
    {
        if (name.MemoryId != 0 && options.MemoryId != 0 && name.MemoryId != options.MemoryId)
            throw new NetmapException(Errno.EINVAL, "open", name.Name,
                $"the name says memory {name.MemoryId}, the options say {options.MemoryId}");
        nmreq_register body = Body(name);
        body.nr_flags |= Flags(options);
        body.nr_mem_id = (ushort)Math.Max(name.MemoryId, options.MemoryId);
        body.nr_extra_bufs = (uint)options.ExtraBuffers;
        nmreq_header header = new()
        {
            nr_version = NetmapH.NETMAP_API,
            nr_reqtype = NetmapReq.NETMAP_REQ_REGISTER,
            nr_body = (ulong)&body,
        };
        PortNames.Write(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ), name.Name);
        Errno refused = file.Ioctl(NetmapH.NIOCCTRL, (ulong)&header, CallerMemory.Own);
        if (refused != Errno.Success)
            throw file.LastRefusal ?? new NetmapException(refused, "open", name.Name, "the request was refused");
    }

    /// <summary>What the name alone says.</summary>
    public static nmreq_register Body(PortName name) => new()
    {
        nr_mode = name.Mode,
        nr_ringid = (ushort)name.Ring,
        nr_flags = name.Flags,
        nr_mem_id = (ushort)name.MemoryId,
    };

    private static ulong Flags(NetmapPortOptions options) =>
        (options.Exclusive ? NetmapH.NR_EXCLUSIVE : 0)
        | (options.TransmitOnly ? NetmapH.NR_TX_RINGS_ONLY : 0)
        | (options.ReceiveOnly ? NetmapH.NR_RX_RINGS_ONLY : 0)
        | (options.NoTransmitOnPoll ? NetmapH.NR_NO_TX_POLL : 0);
}
