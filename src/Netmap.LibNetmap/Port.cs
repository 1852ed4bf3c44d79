using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>nmport_*: a port's descriptor through its life, whole or step by step (spec 11.1).</summary>
internal static unsafe class Port
{
    [UnmanagedCallersOnly(EntryPoint = "nmport_new")]
    public static nmport_d* ExportedNew() => New(Context.Default);

    public static nmport_d* New(nmctx* ctx)
    {
        nmport_d* port = Context.New<nmport_d>(ctx);
        if (port == null)
            return null;
        Requests.Init(&port->hdr, NetmapReq.NETMAP_REQ_REGISTER, &port->reg);
        port->ctx = ctx;
        port->fd = -1;
        return port;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_delete")]
    public static void Delete(nmport_d* port) => Context.Free((nmctx*)port->ctx, port);

    [UnmanagedCallersOnly(EntryPoint = "nmport_parse")]
    public static int ExportedParse(nmport_d* port, byte* spec) => Parse(port, spec);

    public static int Parse(nmport_d* port, byte* spec)
    {
        nmctx* ctx = (nmctx*)port->ctx;
        if (NameDecoder.Header(ref spec, &port->hdr, ctx) == 0 && NameDecoder.Register(ref spec, &port->reg, ctx) == 0
            && OptionDecoder.Decode(spec, PortOptions.Parsers, port, ctx) == 0)
            return 0;
        int errno = Marshal.GetLastSystemError();
        UndoParse(port);
        Marshal.SetLastSystemError(errno);
        return -1;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_undo_parse")]
    public static void ExportedUndoParse(nmport_d* port) => UndoParse(port);

    public static void UndoParse(nmport_d* port)
    {
        Cleanup.PopAll(port);
        port->reg = default;
        port->hdr = default;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_prepare")]
    public static nmport_d* ExportedPrepare(byte* spec) => Prepare(spec);

    public static nmport_d* Prepare(byte* spec)
    {
        nmport_d* port = New(Context.Default);
        if (port == null || Parse(port, spec) == 0)
            return port;
        int errno = Marshal.GetLastSystemError();
        Context.Free((nmctx*)port->ctx, port);
        Marshal.SetLastSystemError(errno);
        return null;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_undo_prepare")]
    public static void ExportedUndoPrepare(nmport_d* port) => UndoPrepare(port);

    public static void UndoPrepare(nmport_d* port)
    {
        if (port == null)
            return;
        UndoParse(port);
        Context.Free((nmctx*)port->ctx, port);
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_open_desc")]
    public static int ExportedOpenDescriptor(nmport_d* port) => OpenDescriptor(port);

    public static int OpenDescriptor(nmport_d* port)
    {
        if (Registration.Register(port) < 0)
            return -1;
        if (PortMemory.Map(port) == 0)
            return 0;
        int errno = Marshal.GetLastSystemError();
        Registration.Undo(port);
        Marshal.SetLastSystemError(errno);
        return -1;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_undo_open_desc")]
    public static void ExportedUndoOpenDescriptor(nmport_d* port) => UndoOpenDescriptor(port);

    public static void UndoOpenDescriptor(nmport_d* port)
    {
        PortMemory.Unmap(port);
        Registration.Undo(port);
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_open")]
    public static nmport_d* Open(byte* spec)
    {
        nmport_d* port = Prepare(spec);
        if (port == null || OpenDescriptor(port) == 0)
            return port;
        int errno = Marshal.GetLastSystemError();
        UndoPrepare(port);
        Marshal.SetLastSystemError(errno);
        return null;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmport_close")]
    public static void Close(nmport_d* port)
    {
        if (port == null)
            return;
        UndoOpenDescriptor(port);
        UndoPrepare(port);
    }

    /// <summary>An unregistered copy of what was parsed, the memory's id included; options stay behind.</summary>
    [UnmanagedCallersOnly(EntryPoint = "nmport_clone")]
    public static nmport_d* Clone(nmport_d* port)
    {
        nmctx* ctx = (nmctx*)port->ctx;
        if (port->extmem != null && port->register_done == 0)
        {
            Context.Fail(ctx, Errno.EINVAL, $"{CText.String(port->hdr.nr_name)}: a port with memory of its own is cloned after it is registered");
            return null;
        }
        nmport_d* copy = New(ctx);
        if (copy == null)
            return null;
        copy->hdr = port->hdr;
        copy->hdr.nr_body = (ulong)&copy->reg;
        copy->hdr.nr_options = 0;
        copy->reg = port->reg;
        return copy;
    }
}
