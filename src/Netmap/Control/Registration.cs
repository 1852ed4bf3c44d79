using Netmap.Adapters;
using Netmap.Adapters.Host;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// The binding of one open file to a port (spec 3.4, 3.8): which rings, its interface object and its extra buffers.
/// Made as a whole or not at all; everything here runs under the engine's control lock.
/// </summary>
internal sealed unsafe class Registration
{
    private readonly Caller _caller;
    private readonly bool _exclusive;
    private readonly IWaiter _waiter;
    private readonly long _interface;

    private Registration(Caller caller, NetmapAdapter adapter, NetmapMemory memory, IWaiter waiter, bool exclusive,
        KRing[] tx, KRing[] rx, long nif, int extra)
    {
        (_caller, Adapter, Memory, _waiter, _exclusive, TxRings, RxRings, _interface, ExtraBuffers) =
            (caller, adapter, memory, waiter, exclusive, tx, rx, nif, extra);
    }

    public NetmapAdapter Adapter { get; }

    public NetmapMemory Memory { get; }

    /// <summary>Nobody else may bind its rings.</summary>
    public bool IsExclusive => _exclusive;

    /// <summary>Bound rings, in order.</summary>
    public KRing[] TxRings { get; }

    /// <summary>Bound rings, in order.</summary>
    public KRing[] RxRings { get; }

    /// <summary>Bound rings of both directions.</summary>
    public int Rings => TxRings.Length + RxRings.Length;

    /// <summary>What receive syncs of this file may do: all transmit rings of the interface are its own (spec 3.4).</summary>
    public SyncFlags Forwarding =>
        TxRings.Length >= Adapter.TxRingCount && TxRings.Count(static ring => !ring.IsHost) == Adapter.TxRingCount ? SyncFlags.ForwardDown : SyncFlags.None;

    /// <summary>nr_offset: position of the interface object in the region.</summary>
    public long InterfaceOffset => _interface;

    /// <summary>Extra buffers granted.</summary>
    public int ExtraBuffers { get; }

    /// <summary>Binds; takes over the caller's reference on <paramref name="adapter"/> when it succeeds.</summary>
    /// <exception cref="NetmapException">The refusals of spec 3.4, in its order; nothing is left behind.</exception>
    public static Registration Create(Caller caller, NetmapAdapter adapter, in nmreq_register request, IWaiter waiter,
        OffsetsOption? offsets = null)
    {
        Engine engine = caller.Engine;
        Stack<Action> undo = new();
        try
        {
            CheckFree(adapter, request.nr_flags);
            NetmapMemory memory = ChooseMemory(caller, adapter, request.nr_mem_id, undo);
            undo.Push(() => engine.Memories.Release(memory));
            memory.Activate(adapter.MakeArray);
            undo.Push(memory.Abandon);
            bool first = adapter.ActiveFiles == 0;
            if (first && adapter.Host is { } host)
            {
                if (request.nr_host_tx_rings > HostRings.Most || request.nr_host_rx_rings > HostRings.Most)
                    throw new NetmapException(Errno.ENOMEM, "open", adapter.Name, $"at most {HostRings.Most} host rings in each direction");
                // Before the selection, which may name one of them; back to one each with the last file (spec 3.3).
                host.SetCounts(request.nr_host_tx_rings, request.nr_host_rx_rings);
                undo.Push(() => host.SetCounts(1, 1));
            }
            RingSelection selection = RingSelection.From(request, adapter);
            if (first && adapter.IsInterface && selection.RxEnd > selection.RxFirst)
                CheckMtu(adapter);
            if (first)
            {
                adapter.CreateKrings();
                undo.Push(adapter.DestroyKrings);
            }
            KRing[] tx = adapter.AllTxRings[selection.TxFirst..selection.TxEnd];
            KRing[] rx = adapter.AllRxRings[selection.RxFirst..selection.RxEnd];
            caller.Owner.Account.TakeRings(tx.Length + rx.Length, adapter.Name);
            undo.Push(() => caller.Owner.Account.ReturnRings(tx.Length + rx.Length));
            bool exclusive = (request.nr_flags & NetmapH.NR_EXCLUSIVE) != 0;
            List<KRing> opened = Bind(adapter, [.. rx, .. tx], exclusive, undo);
            offsets?.Apply(adapter, [.. rx, .. tx]);
            undo.Push(() => offsets?.Undo());
            int extra = TakeExtra(memory, Math.Min(request.nr_extra_bufs, adapter.MostExtraBuffers), undo, out uint extraHead);
            long nif = CreateInterface(adapter, memory, tx, rx, extraHead, undo);
            foreach (KRing ring in rx.Concat(tx))
            {
                ring.Waiters.Add(waiter);
                undo.Push(() => ring.Waiters.Remove(waiter));
            }
            if (first)
                adapter.Activate();
            else
                adapter.RingsOpened();
            adapter.ActiveFiles++;
            memory.Commit();
            // Last: nobody is in a ring before all that is behind it exists.
            opened.ForEach(ring => ring.Resume());
            return new(caller, adapter, memory, waiter, exclusive, tx, rx, nif, extra);
        }
        catch
        {
            while (undo.TryPop(out Action? step))
                step();
            throw;
        }
    }

    /// <summary>Undoes it all (spec 3.8). No thread is in a sync of a ring that loses its last user when its memory goes.</summary>
    public void Close()
    {
        List<KRing> unused = [];
        foreach (KRing ring in RxRings.Concat(TxRings))
        {
            ring.Waiters.Remove(_waiter);
            if (!ring.Unbind(_exclusive))
                continue;
            ring.Stop();
            unused.Add(ring);
        }
        if (--Adapter.ActiveFiles == 0)
        {
            Adapter.OrphanMonitors();
            Adapter.Deactivate();
        }
        else if (unused.Count > 0)
            Adapter.RingsClosed();
        foreach (KRing ring in unused)
            Adapter.CloseRing(ring);
        netmap_if* nif = (netmap_if*)(Memory.Region.Address + _interface);
        Memory.FreeExtra(Volatile.Read(ref nif->ni_bufs_head));
        Memory.FreeInterface(_interface);
        if (Adapter.ActiveFiles == 0)
        {
            Adapter.DestroyKrings();
            Adapter.Memory = Adapter.OwnMemory;
        }
        Memory.Deactivate();
        _caller.Owner.Account.ReturnRings(Rings);
        _caller.Engine.Release(Adapter);
        _caller.Engine.Memories.Release(Memory);
    }

    /// <summary>Another allocator than the port's own counts only while no file has the port open (spec 1.4), and only for its owner.</summary>
    /// <returns>With one holder more.</returns>
    private static NetmapMemory ChooseMemory(Caller caller, NetmapAdapter adapter, int id, Stack<Action> undo)
    {
        MemoryRegistry memories = caller.Engine.Memories;
        if (id == 0 || adapter.ActiveFiles > 0 || adapter.KeepsMemory || adapter.Owner != caller.Owner)
        {
            memories.Check(caller.Owner, id, adapter.Name);
            return memories.Keep(adapter.Memory);
        }
        NetmapMemory before = adapter.Memory;
        undo.Push(() => adapter.Memory = before);
        return adapter.Memory = memories.Take(caller.Owner, id, adapter.Name);
    }

    private static void CheckFree(NetmapAdapter adapter, ulong flags)
    {
        if (adapter.HeldBy is { } holder)
            throw new NetmapException(Errno.EBUSY, "open", adapter.Name, $"it belongs to {holder}; detach it first");
        if (adapter.HeaderLength > 0 && (flags & NetmapH.NR_ACCEPT_VNET_HDR) == 0)
            throw new NetmapException(Errno.EIO, "open", adapter.Name,
                $"frames of this port begin with a virtio-net header of {adapter.HeaderLength} bytes; say that you accept it (AcceptVnetHeader)");
    }

    /// <summary>Why an interface with this MTU is refused to its first file if that binds receive rings; null when it is not.</summary>
    public static string? MtuRefusal(NetmapAdapter adapter, int mtu)
    {
        int buffer = adapter.Memory.BufferSize;
        return mtu > adapter.MaxSlotSize ? $"MTU {mtu} is above the {adapter.MaxSlotSize} bytes this adapter can carry; lower the MTU"
            : mtu > buffer && !adapter.Scatters ? $"MTU {mtu} is above the buffer size {buffer}; raise BufferSize (netmap --buffer-size) or lower the MTU"
            : null;
    }

    private static void CheckMtu(NetmapAdapter adapter)
    {
        if (MtuRefusal(adapter, adapter.Describe().Mtu) is { } refusal)
            throw new NetmapException(Errno.EINVAL, "open", adapter.Name, refusal);
    }

    /// <returns>Rings that did not exist before; they are still stopped.</returns>
    private static List<KRing> Bind(NetmapAdapter adapter, KRing[] rings, bool exclusive, Stack<Action> undo)
    {
        if (!rings.All(ring => ring.CanBind(exclusive)))
            throw new NetmapException(Errno.EBUSY, "open", adapter.Name, exclusive
                ? "rings are in use, so they cannot be had exclusively; close the other user first"
                : "another user holds the rings exclusively; close it first");
        List<KRing> opened = [];
        // As in Close: first the users go, then the port learns of it, then the rings go.
        undo.Push(() => opened.ForEach(adapter.CloseRing));
        if (adapter.ActiveFiles > 0)
            undo.Push(adapter.RingsClosed);
        foreach (KRing ring in rings)
        {
            ring.Bind(exclusive);
            undo.Push(() => ring.Unbind(exclusive));
        }
        foreach (KRing ring in rings.Where(ring => ring.Users == 1))
        {
            adapter.OpenRing(ring);
            opened.Add(ring);
        }
        return opened;
    }

    private static int TakeExtra(NetmapMemory memory, uint wanted, Stack<Action> undo, out uint head)
    {
        int taken = memory.AllocateExtra(wanted, out uint first);
        undo.Push(() => memory.FreeExtra(first));
        head = first;
        return taken;
    }

    /// <summary>ring_ofs: NIC tx, host tx, NIC rx, host rx; 0 for rings this file does not bind (spec 1.4).</summary>
    private static long CreateInterface(NetmapAdapter adapter, NetmapMemory memory, KRing[] tx, KRing[] rx, uint extraHead,
        Stack<Action> undo)
    {
        // A port without host rings has an entry for one all the same.
        (int hostTx, int hostRx) = (adapter.Host?.TxCount ?? 1, adapter.Host?.RxCount ?? 1);
        int txEntries = adapter.TxRingCount + hostTx;
        int entries = txEntries + adapter.RxRingCount + hostRx;
        long position = memory.AllocateInterface(sizeof(netmap_if) + (8 * entries), adapter.Name);
        undo.Push(() => memory.FreeInterface(position));
        netmap_if* nif = (netmap_if*)(memory.Region.Address + position);
        PortNames.Write(new Span<byte>(nif->ni_name, 16), adapter.Name);
        nif->ni_flags = memory.IsPrivate ? NetmapH.NI_PRIV_MEM : 0;
        nif->ni_tx_rings = (uint)adapter.TxRingCount;
        nif->ni_rx_rings = (uint)adapter.RxRingCount;
        nif->ni_host_tx_rings = (uint)hostTx;
        nif->ni_host_rx_rings = (uint)hostRx;
        nif->ni_bufs_head = extraHead;
        long* offsets = (long*)(nif + 1);
        foreach (KRing ring in tx)
            offsets[ring.Id] = ring.Position - position;
        foreach (KRing ring in rx)
            offsets[txEntries + ring.Id] = ring.Position - position;
        return position;
    }
}
