using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>nmport_register and what undoes it; and the memory id of another port.</summary>
internal static unsafe class Registration
{
    private static ReadOnlySpan<byte> Device => "/dev/netmap"u8;

    [UnmanagedCallersOnly(EntryPoint = "nmport_register")]
    public static int ExportedRegister(nmport_d* port) => Register(port);

    public static int Register(nmport_d* port)
    {
        nmctx* ctx = (nmctx*)port->ctx;
        if (port->register_done != 0)
            return Context.Fail(ctx, Errno.EINVAL, $"{Name(port)}: it is registered already");
        port->fd = OpenDevice(ctx);
        if (port->fd < 0)
            return -1;
        SysResult result = SysIoctl.ioctl(port->fd, NetmapH.NIOCCTRL, &port->hdr);
        if (!result.IsError)
        {
            port->register_done = 1;
            return 0;
        }
        Explain(port, ctx, result.Errno);
        Undo(port);
        Marshal.SetLastSystemError((int)result.Errno);
        return -1;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_undo_register")]
    public static void ExportedUndo(nmport_d* port) => Undo(port);

    public static void Undo(nmport_d* port)
    {
        if (port->fd >= 0)
            Unistd.close(port->fd);
        port->fd = -1;
        port->register_done = 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmreq_get_mem_id")]
    public static int ExportedMemoryId(byte** spec, nmctx* ctx) => MemoryId(ref *spec, ctx);

    /// <summary>The memory id of the port that <paramref name="spec"/> names, which moves past the name; -1 on failure.</summary>
    public static int MemoryId(ref byte* spec, nmctx* ctx)
    {
        if (spec == null)
            return Context.Fail(ctx, Errno.EINVAL, "the name of a port is missing");
        int fd = OpenDevice(ctx);
        if (fd < 0)
            return -1;
        nmreq_port_info_get body = default;
        nmreq_header header;
        Requests.Init(&header, NetmapReq.NETMAP_REQ_PORT_INFO_GET, &body);
        byte* at = spec;
        Errno errno = Errno.EINVAL;
        if (NameDecoder.Header(ref at, &header, ctx) == 0)
        {
            errno = SysIoctl.ioctl(fd, NetmapH.NIOCCTRL, &header).Errno;
            if (errno != Errno.Success)
                Context.Say(ctx, $"{CText.String(spec)}: no information: {Context.Words(errno)}");
        }
        Unistd.close(fd);
        Marshal.SetLastSystemError((int)errno);
        if (errno != Errno.Success)
            return -1;
        spec = at;
        return body.nr_mem_id;
    }

    private static int OpenDevice(nmctx* ctx)
    {
        SysResult opened = Fcntl.open(CText.Constant(Device), Fcntl.O_RDWR);
        return opened.IsError
            ? Context.Fail(ctx, opened.Errno, $"/dev/netmap: {Context.Words(opened.Errno)}; without the kernel module, start the program with 'netmap run'")
            : opened.Int32;
    }

    /// <summary>One line for each option that was refused, or else one for the request.</summary>
    private static void Explain(nmport_d* port, nmctx* ctx, Errno errno)
    {
        bool said = false;
        for (nmreq_option* option = (nmreq_option*)port->hdr.nr_options; option != null; option = (nmreq_option*)option->nro_next)
        {
            if (option->nro_status == 0)
                continue;
            Context.Say(ctx, $"{Name(port)}: option {CText.String(Requests.Name(option->nro_reqtype))}: {Context.Words((Errno)option->nro_status)}");
            said = true;
        }
        if (!said)
            Context.Say(ctx, $"{Name(port)}: {Context.Words(errno)}");
    }

    private static string Name(nmport_d* port) => CText.String(port->hdr.nr_name);
}
