using Netmap.Access;
using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>Requests about switches, their ports and persistent ports (spec 7.2, 7.3). Under the control lock; bodies are copies.</summary>
internal static class ValeRequests
{
    private const int LongestInterface = 15;

    /// <summary>VALE_ATTACH: an interface or a persistent port onto a switch.</summary>
    /// <exception cref="NetmapException">
    /// EINVAL unknown memory, not a switch's port, no such interface, mode; ENOMEM malformed name, too many switches or
    /// ports; EBUSY; and what opening the interface says.
    /// </exception>
    public static void Attach(Caller caller, string name, ref nmreq_vale_attach body, bool offloads = true)
    {
        Engine engine = caller.Engine;
        engine.Memories.Check(caller.Owner, body.reg.nr_mem_id, name);
        ValeName parts = Parse(name, "attach", Errno.ENOMEM);
        Permission.HavePort(caller, parts.Switch);
        ValeSwitch vale = engine.Switches.FindOrCreate(caller.Owner, parts.Switch);
        try
        {
            if (vale.Find(parts.Port) is not null)
                throw new NetmapException(Errno.EBUSY, "attach", name, "there is such a port on this switch already");
            body.port_index = (uint)(engine.Switches.FindPersistent(parts.Port) is { } port
                ? AttachPersistent(caller, vale, name, port, body.reg)
                : AttachInterface(caller, vale, name, parts.Port, body.reg, offloads));
        }
        catch
        {
            engine.Switches.DropIfUnused(vale);
            throw;
        }
    }

    /// <summary>VALE_DETACH.</summary>
    /// <exception cref="NetmapException">EINVAL not a switch's port; ENXIO no such port; EBUSY ephemeral, polled, or on a second switch.</exception>
    public static void Detach(Caller caller, string name, ref nmreq_vale_detach body)
    {
        Engine engine = caller.Engine;
        ValeName parts = Parse(name, "detach", Errno.ENXIO);
        ValeSwitch? vale = engine.Switches.Find(parts.Switch);
        SwitchPort port = vale?.Find(parts.Port) ?? throw NoPort(name, "detach");
        Permission.Change(caller, engine.Attachments.Of(port)?.Owner ?? port.Adapter.Owner, "detach", name);
        body.port_index = (uint)port.Number;
        if (port is InterfacePort)
            DetachInterface(engine, name, port);
        else
            DetachPersistent(name, (ValePort)port.Adapter);
        engine.Switches.DropIfUnused(vale!);
    }

    /// <summary>VALE_LIST: indices of a name, or the name at or after the indices.</summary>
    /// <exception cref="NetmapException">EINVAL not a switch's port; ENOENT no such switch, or the list's end.</exception>
    public static void List(Engine engine, ref string name, ref nmreq_vale_list body)
    {
        if (name.Length == 0)
        {
            ListNext(engine, ref name, ref body);
            return;
        }
        ValeName parts = Parse(name, "list", Errno.ENOENT);
        ValeSwitch vale = engine.Switches.Find(parts.Switch)
            ?? throw new NetmapException(Errno.ENOENT, "list", name, $"there is no switch {parts.Switch}");
        body.nr_bridge_idx = (ushort)vale.Index;
        body.nr_port_idx = (uint)(vale.Find(parts.Port)?.Number ?? ValeSwitch.NoPort);
    }

    /// <summary>VALE_NEWIF: a persistent port.</summary>
    /// <exception cref="NetmapException">EINVAL name or memory; EEXIST; ENOMEM.</exception>
    public static void NewInterface(Caller caller, string name, ref nmreq_vale_newif body)
    {
        bool possible = name.Length is > 0 and <= LongestInterface && !ValeName.IsVale(name) && name is not ("." or "..")
            && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '/' or ':' or '{' or '}');
        if (!possible)
            throw new NetmapException(Errno.EINVAL, "create", name,
                $"a persistent port has an interface's name: 1..{LongestInterface} characters, no blanks, none of / : {{ }}, and not beginning with vale");
        if (caller.Engine.InterfaceExists(name))
            throw new NetmapException(Errno.EEXIST, "create", name, "there is an interface of this name already");
        ValeShape shape = new(body.nr_tx_rings, body.nr_rx_rings, body.nr_tx_slots, body.nr_rx_slots);
        ValePort port = caller.Engine.Switches.CreatePersistent(caller.Owner, name, shape, body.nr_mem_id, automatic: false);
        body.nr_tx_rings = (ushort)port.TxRingCount;
        body.nr_rx_rings = (ushort)port.RxRingCount;
        body.nr_tx_slots = (uint)port.TxSlots;
        body.nr_rx_slots = (uint)port.RxSlots;
        body.nr_mem_id = (ushort)port.Memory.Id;
    }

    /// <summary>VALE_DELIF.</summary>
    /// <exception cref="NetmapException">ENXIO; EINVAL not one made by VALE_NEWIF; EBUSY open or on a switch.</exception>
    public static void DeleteInterface(Caller caller, string name)
    {
        Engine engine = caller.Engine;
        if (engine.Switches.FindPersistent(name) is not { } port)
        {
            throw engine.InterfaceExists(name)
                ? new NetmapException(Errno.EINVAL, "delete", name, "this is an interface of the system, not a persistent port")
                : new NetmapException(Errno.ENXIO, "delete", name, "there is no such persistent port");
        }
        Permission.Change(caller, port.Owner, "delete", name);
        if (port.IsAutomatic)
            throw new NetmapException(Errno.EINVAL, "delete", name, "this port was made for pipes, and goes with the last of them");
        if (port.Switch is { } vale)
            throw new NetmapException(Errno.EBUSY, "delete", name, $"it is a port of {vale.Name}; detach it first");
        if (port.References > 0)
            throw new NetmapException(Errno.EBUSY, "delete", name, "somebody has it open");
        engine.Switches.Delete(port);
    }

    /// <summary>VALE_POLLING_ENABLE and VALE_POLLING_DISABLE.</summary>
    /// <exception cref="NetmapException">EINVAL, ENXIO; EOPNOTSUPP not an interface; EFAULT on, or off, already.</exception>
    public static void Polling(Caller caller, string name, bool enable, in nmreq_vale_polling body)
    {
        Engine engine = caller.Engine;
        ValeName parts = Parse(name, "poll", Errno.ENXIO);
        SwitchPort port = engine.Switches.Find(parts.Switch)?.Find(parts.Port) ?? throw NoPort(name, "poll");
        if (engine.Attachments.Of(port) is not { } attachment || attachment.Nic != port)
            throw new NetmapException(Errno.EOPNOTSUPP, "poll", name, "only an attached interface can be polled");
        // A processor of its own for each thread, and they stay when the one who asked has gone.
        Permission.Administer(caller, "poll", name);
        if (enable)
            attachment.EnablePolling(body);
        else
            attachment.DisablePolling();
    }

    /// <summary>PORT_HDR_SET (spec 3.5).</summary>
    /// <exception cref="NetmapException">EINVAL length; ENXIO no such port of a switch.</exception>
    public static void SetHeader(Caller caller, string name, in nmreq_port_hdr body)
    {
        if (body.nr_hdr_len is not (0 or 10 or 12))
            throw new NetmapException(Errno.EINVAL, "set header length", name, $"a virtio-net header has 0, 10 or 12 bytes, not {body.nr_hdr_len}");
        SwitchPort? port = ValeName.TryParse(name) is { } parts ? caller.Engine.Switches.Find(parts.Switch)?.Find(parts.Port) : null;
        if (port is null or InterfacePort)
            throw new NetmapException(Errno.ENXIO, "set header length", name, "only a software port of a switch can have another one");
        Permission.Change(caller, port.Adapter.Owner, "set header length", name);
        port.HeaderLength = (int)body.nr_hdr_len;
        // Never lowered again: a port that could take super-frames goes on taking them.
        if (body.nr_hdr_len > 0)
            port.MaxFrame = port.Adapter.Memory.BufferSize;
    }

    /// <summary>Who may have ports on a switch beside its owner. The switch is there already.</summary>
    /// <param name="caller">Who says so.</param>
    /// <param name="name">The switch, <c>vale0</c>.</param>
    /// <param name="users">A list as <see cref="UserList.Parse"/> has it; empty for the owner alone.</param>
    /// <exception cref="NetmapException">ENXIO no such switch; EPERM it is another user's; EINVAL no such user.</exception>
    public static void Share(Caller caller, string name, string users)
    {
        ValeSwitch vale = caller.Engine.Switches.Find(name)
            ?? throw new NetmapException(Errno.ENXIO, "share", name, "there is no such switch; it comes into being with its first port");
        Permission.Change(caller, vale.Owner, "share", name);
        vale.SharedWith = UserList.Parse(users, caller.Engine.Policy.Names);
    }

    private static int AttachPersistent(Caller caller, ValeSwitch vale, string name, ValePort port, in nmreq_register request)
    {
        Permission.AttachPort(caller, port, name);
        if (port.HeldBy is { } holder)
            throw new NetmapException(Errno.EBUSY, "attach", name, $"{port.Name} belongs to {holder} already");
        if (port.References > 0)
            throw new NetmapException(Errno.EBUSY, "attach", name, $"somebody has {port.Name} open");
        if (port.Switch is null)
        {
            port.Join(vale);
            return port.SwitchSide.Number;
        }
        nmreq_register all = request;
        (all.nr_mode, all.nr_ringid) = (NetmapReq.NR_REG_ALL_NIC, 0);
        port.References++;
        return Wrap(caller, vale, port.Name, port, all, offloads: false);
    }

    private static int AttachInterface(Caller caller, ValeSwitch vale, string name, string port, in nmreq_register request, bool offloads)
    {
        Engine engine = caller.Engine;
        if (!engine.InterfaceExists(port))
            throw new NetmapException(Errno.EINVAL, "attach", name, $"{port} is no interface here; a program's own port needs no attaching, open {name}");
        NetmapAdapter adapter = engine.Acquire(caller, port);
        if (adapter.HeldBy is not null || adapter.ActiveFiles > 0 || adapter.Owner != caller.Owner)
        {
            string user = adapter.HeldBy ?? "a program that has it open";
            engine.Release(adapter);
            throw new NetmapException(Errno.EBUSY, "attach", name, $"{port} is used by {user}");
        }
        if (request.nr_mode is not (NetmapReq.NR_REG_ALL_NIC or NetmapReq.NR_REG_NIC_SW) || request.nr_ringid != 0)
        {
            engine.Release(adapter);
            throw new NetmapException(Errno.EINVAL, "attach", name, "all rings of an interface are attached, with the host's or without; there is no other mode");
        }
        return Wrap(caller, vale, port, SwitchAdapter.Choose(engine, adapter), request, offloads);
    }

    /// <summary>Makes the switch the user of an adapter, whose reference it takes over.</summary>
    private static int Wrap(Caller caller, ValeSwitch vale, string port, NetmapAdapter adapter, in nmreq_register request, bool offloads)
    {
        // An in parameter cannot be captured.
        nmreq_register asked = request;
        Attachment attachment = SwitchAdapter.Attach(caller.Engine, adapter,
            chosen => Attachment.Create(caller, vale, port, chosen, asked, offloads));
        caller.Engine.Attachments.Add(attachment);
        return attachment.Nic.Number;
    }

    private static void DetachInterface(Engine engine, string name, SwitchPort port)
    {
        Attachment attachment = engine.Attachments.Of(port)!;
        if (attachment.Nic != port)
            throw new NetmapException(Errno.EINVAL, "detach", name, $"the host's stack goes with its interface; detach {attachment.Switch.Name}:{attachment.Nic.Name}");
        if (attachment.IsPolling)
            throw new NetmapException(Errno.EBUSY, "detach", name, "it is being polled; end that first");
        engine.Attachments.Remove(attachment);
    }

    private static void DetachPersistent(string name, ValePort port)
    {
        if (!port.IsPersistent)
            throw new NetmapException(Errno.EBUSY, "detach", name, "a program has this port open; it goes when the program closes it");
        if (port.HeldBy is { } holder)
            throw new NetmapException(Errno.EBUSY, "detach", name, $"it is attached to {holder} too; detach it there first");
        port.Leave();
    }

    private static void ListNext(Engine engine, ref string name, ref nmreq_vale_list body)
    {
        foreach (ValeSwitch vale in engine.Switches.All)
        {
            if (vale.Index < body.nr_bridge_idx)
                continue;
            uint from = vale.Index == body.nr_bridge_idx ? body.nr_port_idx : 0;
            if (vale.Ports.All.FirstOrDefault(port => port.Number >= from) is not { } port)
                continue;
            name = $"{vale.Name}:{port.Name}";
            body.nr_bridge_idx = (ushort)vale.Index;
            body.nr_port_idx = (uint)port.Number;
            return;
        }
        throw new NetmapException(Errno.ENOENT, "list", null, "no more ports");
    }

    /// <summary>EINVAL for a name that is not meant as a switch's port, and what the request says for one that is malformed.</summary>
    private static ValeName Parse(string name, string operation, Errno malformed)
    {
        if (!ValeName.IsVale(name))
            throw ValeName.Malformed(name, operation, Errno.EINVAL);
        return ValeName.TryParse(name) ?? throw ValeName.Malformed(name, operation, malformed);
    }

    private static NetmapException NoPort(string name, string operation) =>
        new(Errno.ENXIO, operation, name, "there is no such port; `netmap vale-ctl` lists those there are");
}
