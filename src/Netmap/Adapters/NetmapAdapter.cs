using Netmap.Access;
using Netmap.Adapters.Host;
using Netmap.Adapters.Monitor;
using Netmap.Adapters.Pipe;
using Netmap.Bpf.Filters;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters;

/// <summary>
/// The netmap side of a port. Its krings live from the first open file to the last (spec 2.1). Everything but the syncs
/// runs under the engine's control lock.
/// </summary>
internal abstract class NetmapAdapter(string name, NetmapMemory memory)
{
    /// <summary>The port's name, without prefix.</summary>
    public string Name { get; } = name;

    /// <summary><c>generic</c>, <c>native</c> …, as shown to users.</summary>
    public abstract string Kind { get; }

    /// <summary>The allocator the port uses unless a file asked for another.</summary>
    public NetmapMemory OwnMemory { get; } = memory;

    /// <summary>Whose port it is: who opened it first, or made it, and whose memory it uses.</summary>
    public Owner Owner => OwnMemory.Owner;

    /// <summary>Who else may open it, beside its owner; the owner's decision, for as long as a file is open.</summary>
    public virtual UserList SharedWith { get; set; } = UserList.None;

    /// <summary>The allocator of the port's rings; may be replaced while no file is open.</summary>
    public NetmapMemory Memory { get; set; } = memory;

    /// <summary>The adapter this one stands in front of; takes its place again when this one goes (spec 5.1).</summary>
    public NetmapAdapter? Previous { get; set; }

    /// <summary>Open files and requests that use the adapter, counted by the engine.</summary>
    public int References { get; set; }

    public int TxRingCount { get; protected set; }

    public int RxRingCount { get; protected set; }

    public int TxSlots { get; protected set; }

    public int RxSlots { get; protected set; }

    /// <summary>NIC transmit rings; empty without an open file.</summary>
    public KRing[] TxRings { get; protected set; } = [];

    /// <summary>NIC receive rings; empty without an open file.</summary>
    public KRing[] RxRings { get; protected set; } = [];

    /// <summary>The rings of the host behind the interface; null for ports that have none (spec 6).</summary>
    public HostRings? Host { get; protected init; }

    /// <summary>NIC transmit rings, then host transmit rings: a ring's <see cref="KRing.Id"/> is its place here.</summary>
    public KRing[] AllTxRings { get; private set; } = [];

    /// <summary>NIC receive rings, then host receive rings.</summary>
    public KRing[] AllRxRings { get; private set; } = [];

    /// <summary>Stands for a network interface: has an MTU to check, and a host behind it.</summary>
    public virtual bool IsInterface => false;

    /// <summary>The rings live in memory that no request may replace.</summary>
    public virtual bool KeepsMemory => Pipes.Count > 0;

    /// <summary>OFFSETS may be asked for (spec 10).</summary>
    public virtual bool SupportsOffsets => true;

    /// <summary>Extra buffers one file may have; its memory may have fewer.</summary>
    public virtual uint MostExtraBuffers => uint.MaxValue;

    /// <summary>A frame longer than a buffer takes several slots (NS_MOREFRAG), so the MTU may be larger than a buffer.</summary>
    public virtual bool Scatters => false;

    /// <summary>What it takes from the host; null for everything.</summary>
    public FrameFilter? Filter { get; private set; }

    /// <summary>There is a host whose frames it can leave where they are.</summary>
    public virtual bool CanFilter => false;

    /// <summary>Says what to take from the host: the first file for all, later ones alike.</summary>
    /// <param name="filter">Null for everything.</param>
    /// <param name="receives">The file binds receive rings; one that only sends does not care.</param>
    /// <exception cref="NetmapException">EOPNOTSUPP this kind of port takes everything; EBUSY it is open with another filter.</exception>
    public void Steer(FrameFilter? filter, bool receives)
    {
        if (filter is not null && !CanFilter)
            throw new NetmapException(Errno.EOPNOTSUPP, "open", Name, $"a {Kind} port that no network interface stands behind takes every frame; filters are for interfaces");
        if (ActiveFiles == 0)
            Filter = filter;
        else if ((receives || filter is not null) && !FrameFilter.Same(filter, Filter))
            throw new NetmapException(Errno.EBUSY, "open", Name,
                $"it is open with {(Filter is { } other ? $"the filter \"{other.Words}\"" : "no filter")}; all who receive on a port have the same one");
    }

    /// <summary>With a filter the host keeps its conversations, so there is nothing for host rings.</summary>
    /// <exception cref="NetmapException">EOPNOTSUPP a file binds one.</exception>
    protected void CheckHostRings()
    {
        if (Filter is not null && Host!.TxRings.Concat(Host.RxRings).Any(ring => ring.Users > 0))
            throw new NetmapException(Errno.EOPNOTSUPP, "open", Name, "a port with a filter has no host rings: the host keeps its traffic");
    }

    /// <summary>
    /// Makes an eBPF array of at least so many bytes for the port's memory, so that its programs reach buffers; gives null where
    /// there is none to be had. Null for a port that has no use for it.
    /// </summary>
    public virtual Func<long, SafeDescriptor?>? MakeArray => null;

    /// <summary>Why a faster way was not taken; null when it was, or there is none.</summary>
    public string? WhyNotNative { get; set; }

    /// <summary>What uses it as a whole, such as a switch (spec 7.3): files cannot open it.</summary>
    public string? HeldBy { get; set; }

    /// <summary>Bytes of the virtio-net header before each frame: 0, 10 or 12.</summary>
    public virtual int HeaderLength => 0;

    /// <summary>Open monitors of this port, in the order they came.</summary>
    public List<MonitorAdapter> Monitors { get; } = [];

    /// <summary>Pipes whose parent this is, by their id (spec 8).</summary>
    public Dictionary<string, PipePair> Pipes { get; } = [];

    /// <summary>Open files bound to the port.</summary>
    public int ActiveFiles { get; set; }

    /// <summary>Longest frame a slot chain of this adapter may carry, for the MTU check (spec 3.4).</summary>
    public abstract int MaxSlotSize { get; }

    /// <summary>Counters of all its rings since the adapter was made: rings may come and go meanwhile.</summary>
    public abstract (IReadOnlyList<RingCounters> Tx, IReadOnlyList<RingCounters> Rx) Counters { get; }

    /// <summary>Fetches counts that the system keeps into <see cref="Counters"/>, such as drops in the kernel.</summary>
    public abstract void RefreshCounters();

    /// <summary>What lies under the adapter, asked afresh.</summary>
    public abstract DeviceInfo Describe();

    /// <summary>Makes the krings, with no rings in shared memory yet.</summary>
    public virtual void CreateKrings()
    {
        TxRings = Make(RingDirection.Tx, TxRingCount, TxSlots, Counters.Tx);
        RxRings = Make(RingDirection.Rx, RxRingCount, RxSlots, Counters.Rx);
        Host?.CreateKrings(this);
        AllTxRings = [.. TxRings, .. Host?.TxRings ?? []];
        AllRxRings = [.. RxRings, .. Host?.RxRings ?? []];
    }

    public virtual void DestroyKrings()
    {
        (TxRings, RxRings, AllTxRings, AllRxRings) = ([], [], [], []);
        SharedWith = UserList.None;
        Host?.DestroyKrings();
    }

    /// <summary>A ring got its first user: makes it in shared memory.</summary>
    /// <exception cref="NetmapException">ENOMEM; nothing is left behind.</exception>
    public virtual void OpenRing(KRing ring) => ring.Create(Name);

    /// <summary>A ring lost its last user; no packet moves through it any more.</summary>
    public virtual void CloseRing(KRing ring) => ring.Destroy();

    /// <summary>First file: into netmap mode (nm_register). Whatever it throws, nothing is left behind.</summary>
    /// <exception cref="NetmapException">What the device refused.</exception>
    public abstract void Activate();

    /// <summary>
    /// Rings got their first user while in netmap mode. When it fails, the caller takes those users away again and calls
    /// <see cref="RingsClosed"/>.
    /// </summary>
    /// <exception cref="NetmapException">What the device refused.</exception>
    public abstract void RingsOpened();

    /// <summary>
    /// Rings lost their last user while in netmap mode. It never fails: what the system refuses to change any more is given
    /// up, in favour of the host.
    /// </summary>
    public abstract void RingsClosed();

    /// <summary>Last file: out of netmap mode. Never fails.</summary>
    public abstract void Deactivate();

    /// <summary>One sync of one ring, monitors included. Called between a prologue that passed and PublishTail.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="flags">What the sync is for.</param>
    /// <param name="indirect">TX: where slots that point to memory of the program's find their data; null where none may.</param>
    /// <returns>Success, or what keeps the ring from working.</returns>
    public Errno Sync(KRing ring, SyncFlags flags, IndirectData? indirect = null)
    {
        // Before monitors: a zero-copy one takes the buffers of released slots.
        if (ring.Direction == RingDirection.Rx && Host is { } host)
            host.Forward(ring, flags);
        IRingTap[]? taps = ring.Taps;
        return taps is null ? SyncPlain(ring, flags, indirect) : SyncTapped(ring, flags, indirect, taps);
    }

    /// <summary>Hands slots hwcur..rhead to the port and reclaims.</summary>
    /// <returns>Success, or what keeps the ring from working: ENETDOWN, EIO.</returns>
    protected abstract Errno TxSync(KRing ring, SyncFlags flags);

    /// <summary>The same for ports that honour NS_INDIRECT.</summary>
    protected virtual Errno TxSync(KRing ring, SyncFlags flags, IndirectData? indirect) => TxSync(ring, flags);

    /// <summary>Takes back released slots, and fills free ones.</summary>
    protected abstract Errno RxSync(KRing ring, SyncFlags flags);

    /// <summary>
    /// Called before sleeping, in the ring: arms its wake-up. One call for both answers, so that what is slept on is what
    /// was armed.
    /// </summary>
    /// <param name="ring">The ring.</param>
    /// <param name="wait">What to sleep on until the ring may have news, and how long at most.</param>
    /// <returns>False when the ring should be synced again instead.</returns>
    public abstract bool PrepareWait(KRing ring, out DeviceWait wait);

    /// <summary>The last reference went: frees the device.</summary>
    public abstract void Release();

    private Errno SyncTapped(KRing ring, SyncFlags flags, IndirectData? indirect, IRingTap[] taps)
    {
        foreach (IRingTap tap in taps)
            tap.Before(ring);
        Errno result = SyncPlain(ring, flags, indirect);
        foreach (IRingTap tap in taps)
            tap.After(ring);
        return result;
    }

    private Errno SyncPlain(KRing ring, SyncFlags flags, IndirectData? indirect) =>
        ring.IsHost ? Host!.Sync(ring)
        : ring.Direction == RingDirection.Tx ? TxSync(ring, flags, indirect)
        : RxSync(ring, flags);

    /// <summary>The last file is gone: monitors see nothing any more.</summary>
    public void OrphanMonitors()
    {
        MonitorAdapter[] monitors = [.. Monitors];
        Monitors.Clear();
        MonitorTaps.Rebuild(this);
        foreach (MonitorAdapter monitor in monitors)
            monitor.Orphan();
    }

    protected static RingCounters[] MakeCounters(int rings) => [.. Enumerable.Range(0, rings).Select(_ => new RingCounters())];

    private KRing[] Make(RingDirection direction, int count, int slots, IReadOnlyList<RingCounters> counters)
    {
        KRing[] rings = new KRing[count];
        for (int i = 0; i < count; i++)
        {
            rings[i] = new KRing(direction, i, (uint)slots, Memory, counters[i]);
            rings[i].Reset();
        }
        return rings;
    }
}
