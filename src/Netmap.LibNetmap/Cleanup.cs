using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>What a port's descriptor has to undo, last first: its <c>clist</c>.</summary>
internal unsafe struct Cleanup
{
    private Cleanup* _next;
    private void* _option;
    private void* _mapping;
    private nuint _size;

    /// <summary>Remembers an option that is on the header's list, to be taken off and freed.</summary>
    public static bool PushOption(nmport_d* port, void* option) => Push(port, new() { _option = option });

    /// <summary>Remembers a file's mapping, to be unmapped.</summary>
    public static bool PushMapping(nmport_d* port, void* mapping, nuint size) =>
        Push(port, new() { _mapping = mapping, _size = size });

    /// <summary>Undoes the last one.</summary>
    public static void Pop(nmport_d* port)
    {
        Cleanup* top = (Cleanup*)port->clist;
        port->clist = top->_next;
        if (top->_option != null)
        {
            Requests.Remove(&port->hdr, (nmreq_option*)top->_option);
            if (top->_option == port->extmem)
                port->extmem = null;
            Context.Free((nmctx*)port->ctx, top->_option);
        }
        if (top->_mapping != null)
            SysMman.munmap(top->_mapping, top->_size);
        Context.Free((nmctx*)port->ctx, top);
    }

    public static void PopAll(nmport_d* port)
    {
        while (port->clist != null)
            Pop(port);
    }

    private static bool Push(nmport_d* port, Cleanup what)
    {
        Cleanup* made = Context.New<Cleanup>((nmctx*)port->ctx);
        if (made == null)
            return false;
        *made = what;
        made->_next = (Cleanup*)port->clist;
        port->clist = made;
        return true;
    }
}
