using Netmap.Adapters;
using Netmap.Adapters.Monitor;
using Netmap.Adapters.Null;
using Netmap.Adapters.Pipe;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>
/// From a request to an adapter (spec 3.3), with one reference that the caller gives back through
/// <see cref="Engine.Release"/>. Under the control lock.
/// </summary>
internal static class PortLookup
{
    /// <summary>A request for a port's existence alone: nothing that a REGISTER would say.</summary>
    public static nmreq_register Plain(int memoryId = 0) => new() { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_mem_id = (ushort)memoryId };

    /// <param name="caller">Who asks.</param>
    /// <param name="name">Without <c>netmap:</c>.</param>
    /// <param name="request">Mode, flags, memory, and the shape of a port that is made.</param>
    /// <param name="use">What for.</param>
    /// <exception cref="NetmapException">
    /// EINVAL, ENXIO, ENODEV, EBUSY, EOPNOTSUPP, ENOMEM as the specification lists them; EACCES it is another user's.
    /// </exception>
    public static NetmapAdapter Acquire(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        if (request.nr_mode is NetmapReq.NR_REG_PIPE_MASTER or NetmapReq.NR_REG_PIPE_SLAVE)
            throw new NetmapException(Errno.EINVAL, "open", name, "pipe modes are part of the name: NAME{ID or NAME}ID");
        if (name.Any(char.IsControl))
            throw new NetmapException(Errno.EINVAL, "open", null, "a port's name has no control characters; terminals of others show it");
        caller.Engine.Memories.Check(caller.Owner, request.nr_mem_id, name);
        if (request.nr_mode == NetmapReq.NR_REG_NULL)
            return AcquireNull(caller, name, request, use);
        if ((request.nr_flags & (NetmapH.NR_MONITOR_TX | NetmapH.NR_MONITOR_RX | NetmapH.NR_ZCOPY_MON)) != 0)
            return AcquireMonitor(caller, name, request, use);
        return AcquirePort(caller, name, request, use);
    }

    private static NetmapAdapter AcquirePort(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        if (name.AsSpan().ContainsAny('{', '}'))
            return AcquirePipe(caller, name, request, use);
        NetmapAdapter port = ValeName.IsVale(name) ? Referenced(AcquireVale(caller, name, request, use))
            : caller.Engine.Switches.FindPersistent(name) is { } persistent ? Referenced(persistent)
            : caller.Engine.Acquire(caller, name);
        try
        {
            if (use == PortUse.Open)
                Permission.Join(caller, port);
            return port;
        }
        catch
        {
            caller.Engine.Release(port);
            throw;
        }
    }

    /// <summary>An interface on a switch is found too; registering it is refused because it has an owner.</summary>
    private static NetmapAdapter AcquireVale(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        Engine engine = caller.Engine;
        ValeName parts = ValeName.TryParse(name)
            ?? throw ValeName.Malformed(name, "open", use == PortUse.Find ? Errno.ENXIO : Errno.ENOMEM);
        if (engine.Switches.Find(parts.Switch)?.Find(parts.Port) is { } there)
            return there.Adapter;
        if (use == PortUse.Find)
            throw new NetmapException(Errno.ENXIO, "find", name, "no such port");
        if (parts.Port.Length > 0 && engine.InterfaceExists(parts.Port))
            throw new NetmapException(Errno.EINVAL, "open", name,
                $"{parts.Port} is an interface and not on this switch; attach it (netmap vale-ctl -a {name}), or choose another port name");
        Permission.HavePort(caller, parts.Switch);
        return engine.Switches.CreateEphemeral(caller.Owner, name, parts, request);
    }

    private static PipeAdapter AcquirePipe(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        int brace = name.LastIndexOf('{');
        brace = brace >= 0 ? brace : name.LastIndexOf('}');
        bool master = name[brace] == '{';
        string id = name[(brace + 1)..];
        if (id.Length == 0 || brace == 0)
            throw new NetmapException(Errno.EINVAL, "open", name, "a pipe is NAME{ID or NAME}ID, both parts not empty");
        if (request.nr_mode is not (NetmapReq.NR_REG_ALL_NIC or NetmapReq.NR_REG_ONE_NIC))
            throw new NetmapException(Errno.EINVAL, "open", name, "a pipe has no host rings and no special modes");
        // Whether its memory may be used is asked of the pipe, or of the parent where there is no pipe yet.
        NetmapAdapter parent = AcquireParent(caller, name[..brace], request, use == PortUse.Open ? PortUse.Inspect : use);
        bool keep = false;
        try
        {
            if (parent.HeldBy is { } holder)
                throw new NetmapException(Errno.EBUSY, "open", name, $"{parent.Name} belongs to {holder}; detach it first");
            PipePair? pair = parent.Pipes.GetValueOrDefault(id);
            if (use == PortUse.Open)
                Permission.Join(caller, pair?.Master ?? parent);
            if (pair is null)
            {
                pair = CreatePipe(caller.Engine, parent, id, request, use);
                keep = true;
            }
            return (PipeAdapter)Referenced(master ? pair.Master : pair.Slave);
        }
        finally
        {
            // A new pair keeps the reference on its parent.
            if (!keep)
                caller.Engine.Release(parent);
        }
    }

    /// <summary>The parent of a pipe; one that does not exist is made as a persistent port that goes with its pipes (spec 8).</summary>
    private static NetmapAdapter AcquireParent(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        nmreq_register plain = Plain(request.nr_mem_id);
        try
        {
            return AcquirePort(caller, name, plain, use);
        }
        catch (NetmapException missing) when (missing.Errno == Errno.ENXIO && use != PortUse.Find && name.Length < 16 && !ValeName.IsVale(name))
        {
            return Referenced(caller.Engine.Switches.CreatePersistent(caller.Owner, name, new ValeShape(1, 1, 0, 0), request.nr_mem_id, automatic: true));
        }
    }

    private static PipePair CreatePipe(Engine engine, NetmapAdapter parent, string id, in nmreq_register request, PortUse use)
    {
        if (use == PortUse.Find)
            throw new NetmapException(Errno.ENODEV, "find", parent.Name, $"it has no pipe {id}");
        if (parent.Pipes.Count >= PipePair.MostPipes)
            throw new NetmapException(Errno.EINVAL, "open", parent.Name, $"it has {parent.Pipes.Count} pipes, the most there can be");
        PipePair pair = new(parent, id, PipeShape.From(request, parent), gone =>
        {
            parent.Pipes.Remove(id);
            engine.Release(parent);
        });
        parent.Pipes.Add(id, pair);
        return pair;
    }

    private static NetmapAdapter AcquireNull(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        if (use == PortUse.Find || request.nr_mem_id == 0)
            throw new NetmapException(Errno.EINVAL, "open", name, "a null port needs the id of the memory it gives access to");
        if (request.nr_tx_rings > NullAdapter.MostRings || request.nr_rx_rings > NullAdapter.MostRings)
            throw new NetmapException(Errno.ENOMEM, "open", name, $"a null port has at most {NullAdapter.MostRings} rings in each direction");
        MemoryRegistry memories = caller.Engine.Memories;
        NetmapMemory memory = memories.Take(caller.Owner, request.nr_mem_id, name);
        return Referenced(new NullAdapter($"null:{name}", memory, request, () => memories.Release(memory)));
    }

    private static NetmapAdapter AcquireMonitor(Caller caller, string name, in nmreq_register request, PortUse use)
    {
        Engine engine = caller.Engine;
        nmreq_register plain = request;
        plain.nr_flags = 0;
        bool zeroCopy = (request.nr_flags & NetmapH.NR_ZCOPY_MON) != 0;
        // One that exchanges buffers uses the port's memory; one that copies has its own.
        NetmapAdapter parent = AcquirePort(caller, name, plain, use == PortUse.Open && !zeroCopy ? PortUse.Inspect : use);
        try
        {
            Permission.Watch(caller, parent);
            if (parent.ActiveFiles == 0)
                throw new NetmapException(Errno.EINVAL, "open", name, "a port must be open to be monitored");
            bool tx = zeroCopy || (request.nr_flags & NetmapH.NR_MONITOR_TX) != 0;
            bool rx = zeroCopy || (request.nr_flags & NetmapH.NR_MONITOR_RX) != 0;
            RingSelection rings = RingSelection.Watched(plain, parent, (tx, rx));
            if (zeroCopy && parent.TxRings.Concat(parent.RxRings).Any(ring => ring.Offsets.Mask != 0))
                throw new NetmapException(Errno.EOPNOTSUPP, "open", name,
                    "the port has offsets, and a zero-copy monitor finds frames only at the start of their buffers; use a copy monitor");
            MonitorScope scope = new(parent, rings.TxFirst..rings.TxEnd, rings.RxFirst..rings.RxEnd, zeroCopy);
            NetmapMemory memory = zeroCopy ? engine.Memories.Keep(parent.Memory) : MonitorMemory(caller, scope, request);
            return Referenced(new MonitorAdapter(scope, memory, request, () =>
            {
                engine.Release(parent);
                engine.Memories.Release(memory);
            }));
        }
        catch
        {
            engine.Release(parent);
            throw;
        }
    }

    /// <summary>Memory of a copy monitor: its own (spec 1.4).</summary>
    private static NetmapMemory MonitorMemory(Caller caller, in MonitorScope scope, in nmreq_register request) =>
        caller.Engine.Memories.CreatePrivate(caller.Owner, MemoryGeometry.Private(1, MonitorAdapter.RingsFor(scope),
            MonitorAdapter.Slots(request.nr_tx_slots, scope.Parent.TxSlots), MonitorAdapter.Slots(request.nr_rx_slots, scope.Parent.RxSlots), 0,
            (int)Math.Min(request.nr_extra_bufs, 524288)), scope.Parent.Name);

    private static NetmapAdapter Referenced(NetmapAdapter adapter)
    {
        adapter.References++;
        return adapter;
    }
}

/// <summary>What a port is looked up for.</summary>
internal enum PortUse
{
    /// <summary>To bind its rings, in its memory. One that does not exist is made: VALE, pipe, null port, monitor.</summary>
    Open,

    /// <summary>To say what it is, or would be. One that does not exist is made for the question.</summary>
    Inspect,

    /// <summary>To say what it is; one that does not exist is an error.</summary>
    Find,
}
