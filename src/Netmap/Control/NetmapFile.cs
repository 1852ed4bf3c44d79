using Netmap.Access;
using Netmap.Adapters;
using Netmap.Adapters.Native;
using Netmap.Bpf.Filters;
using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// An open netmap file: what /dev/netmap is to a C program. Requests, syncs, poll and lifetime (spec 3, 4); it knows
/// neither who calls nor how they reach it.
/// </summary>
internal sealed class NetmapFile : IDisposable
{
    private readonly Engine _engine;
    private readonly bool _remote;
    private Caller _caller;
    private readonly Bells _bells;
    private readonly Poller _poller;
    private Registration? _registration;
    private readonly IndirectData? _indirect;
    private CsbMode? _csb;
    private PendingCsb? _pendingCsb;
    private SyncKloop? _kloop;
    private int _stopNextKloop;
    private int _references = 1;
    private int _closed;

    /// <param name="caller">On whose behalf.</param>
    /// <param name="remote">Other processes use it: this one does not poll it.</param>
    public NetmapFile(Caller caller, bool remote = false)
    {
        (_caller, _engine, _remote) = (caller, caller.Engine, remote);
        _bells = new Bells(own: !remote);
        _indirect = remote ? null : IndirectData.Own;
        _poller = new Poller(_bells, _engine.Options, _indirect);
    }

    /// <summary>Who asks, and what of sharing was agreed to for the next REGISTER.</summary>
    /// <exception cref="NetmapException">EBUSY the file is bound already.</exception>
    public Caller Caller
    {
        get => _caller;
        set => _caller = _registration is null ? value : throw new NetmapException(Errno.EBUSY, "share", _registration.Adapter.Name,
            "this file is bound to a port already; say before with whom to share it");
    }

    public Engine Engine => _engine;

    public Bells Bells => _bells;

    public Poller Poller => _poller;

    /// <summary>The binding, null before REGISTER and after close.</summary>
    public Registration? Registration => Volatile.Read(ref _registration);

    /// <summary>Why the last request was refused, in words; the errno alone is all that a C program sees.</summary>
    public NetmapException? LastRefusal { get; set; }

    /// <summary>With whom the port is shared, and whose port it may be, from the next REGISTER on. Under the control lock or before others know it.</summary>
    /// <param name="users">A list as <see cref="UserList.Parse"/> has it; empty for none.</param>
    /// <param name="owner">A user; empty for one's own ports only.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="NetmapException">EINVAL there is no such user; EBUSY the file is bound already.</exception>
    public void Share(string users, string owner, string? name)
    {
        IUserNames names = _engine.Policy.Names;
        Caller = _caller with
        {
            Shares = UserList.Parse(users, names),
            Joins = owner.Length == 0 ? null : names.FindUser(owner) ?? throw new NetmapException(Errno.EINVAL, "share", name, $"there is no user '{owner}' here"),
        };
    }

    /// <summary>REGISTER. Under the control lock.</summary>
    /// <exception cref="NetmapException">EBUSY already bound, and all that spec 3.4 lists.</exception>
    public void Register(string name, ref nmreq_register request, OffsetsOption? offsets = null, ExternalMemoryOption? external = null)
    {
        if (_registration is not null)
            throw new NetmapException(Errno.EBUSY, "open", name,
                "this file is bound to a port already; open another file for another port");
        if (external is null)
        {
            BindPort(name, ref request, offsets, lent: null);
            return;
        }
        NetmapMemory lent = external.Take(_caller, name);
        try
        {
            // From here on it is an allocator as any other, whatever id the program asked for.
            request.nr_mem_id = (ushort)lent.Id;
            BindPort(name, ref request, offsets, lent);
        }
        finally
        {
            _engine.Memories.Release(lent);
        }
    }

    private void BindPort(string name, ref nmreq_register request, OffsetsOption? offsets, NetmapMemory? lent)
    {
        NetmapAdapter adapter = PortLookup.Acquire(_caller, name, request, PortUse.Open);
        _registration = Bind(ref adapter, request, offsets, lent);
        if (adapter.Owner == _caller.Owner && !_caller.Shares.IsEmpty)
            adapter.SharedWith = _caller.Shares;
        request.nr_offset = (ulong)_registration.InterfaceOffset;
        request.nr_memsize = (ulong)_registration.Memory.Bytes;
        request.nr_mem_id = (ushort)_registration.Memory.Id;
        request.nr_tx_rings = (ushort)adapter.TxRingCount;
        request.nr_rx_rings = (ushort)adapter.RxRingCount;
        request.nr_host_tx_rings = (ushort)(adapter.Host?.TxCount ?? 0);
        request.nr_host_rx_rings = (ushort)(adapter.Host?.RxCount ?? 0);
        request.nr_tx_slots = (uint)adapter.TxSlots;
        request.nr_rx_slots = (uint)adapter.RxSlots;
        request.nr_extra_bufs = (uint)_registration.ExtraBuffers;
        if (!_remote)
            _registration.Memory.GiveTo(ClientProcess.Own);
        _poller.Bind(_registration, flushOnReceive: (request.nr_flags & NetmapH.NR_NO_TX_POLL) == 0);
    }

    /// <summary>What the port is to take from the host, for the next REGISTER; beyond what a C program can ask for.</summary>
    /// <exception cref="NetmapException">EBUSY the file is bound already.</exception>
    public FrameFilter? Filter
    {
        get;
        set => field = _registration is null ? value : throw new NetmapException(Errno.EBUSY, "filter", _registration.Adapter.Name,
            "this file is bound to a port already; say what to take before");
    }

    /// <summary>Binds, to the generic adapter if the native one finds its way closed and admode allows it.</summary>
    private Registration Bind(ref NetmapAdapter adapter, in nmreq_register request, OffsetsOption? offsets, NetmapMemory? lent)
    {
        try
        {
            CheckLent(adapter, lent);
            adapter.Steer(Filter, Receives(request));
            if (offsets is not null && adapter is NativeAdapter { ActiveFiles: 0 })
                throw new NativeRefusal(Errno.EOPNOTSUPP, "frames at an offset in their buffers (OFFSETS) are the generic adapter's");
            return Registration.Create(_caller, adapter, request, _bells, offsets);
        }
        catch (NativeRefusal refusal)
        {
            NetmapAdapter native = adapter;
            try
            {
                adapter = AdapterChoice.FallBack(_engine, native, refusal);
            }
            finally
            {
                _engine.Release(native);
            }
        }
        catch
        {
            _engine.Release(adapter);
            throw;
        }
        try
        {
            adapter.Steer(Filter, Receives(request));
            return Registration.Create(_caller, adapter, request, _bells, offsets);
        }
        catch
        {
            _engine.Release(adapter);
            throw;
        }
    }

    /// <summary>
    /// A port that cannot move to the memory a program lends is refused: the program would look for rings where none are. (With
    /// a memory's id alone the wish is ignored, as the reference does; there the program asks where its rings are.)
    /// </summary>
    private static void CheckLent(NetmapAdapter adapter, NetmapMemory? lent)
    {
        if (lent is not null && adapter.Memory != lent && (adapter.ActiveFiles > 0 || adapter.KeepsMemory))
            throw new NetmapException(Errno.EBUSY, "open", adapter.Name,
                $"its rings are in memory {adapter.Memory.Id} and cannot move to yours; close its other users, or open it without memory of your own");
    }

    private static bool Receives(in nmreq_register request) => (request.nr_flags & NetmapH.NR_TX_RINGS_ONLY) == 0;

    /// <summary>Where the program's indices are in CSB mode; null outside of it.</summary>
    public CsbMode? Csb => Volatile.Read(ref _csb);

    /// <summary>The sync loop that runs now.</summary>
    public SyncKloop? Kloop => Volatile.Read(ref _kloop);

    /// <summary>
    /// CSB mode is to begin: all that can be said without the program's memory. It has begun when <see cref="PendingCsb.Write"/> has been
    /// called, where the program may be waited for, and <see cref="Finish"/>. Without effect on a file that binds no ring. Under the control lock.
    /// </summary>
    /// <param name="option">Where the arrays are.</param>
    /// <param name="program">In whose memory.</param>
    /// <param name="binds">The same request has bound the port: it is unbound if the arrays cannot be written.</param>
    /// <param name="status">Where the option's status is, in the request.</param>
    /// <exception cref="NetmapException">EBUSY a sync loop runs; EINVAL; EOPNOTSUPP, ESRCH it is not certain whose memory that is.</exception>
    public void PrepareCsb(in nmreq_opt_csb option, ProcessMemory program, bool binds, ulong status)
    {
        if (Kloop is not null)
            throw new NetmapException(Errno.EBUSY, "csb", null, "a sync loop runs on this file; stop it first");
        if (_registration is { } bound && bound.TxRings.Length + bound.RxRings.Length > 0)
            _pendingCsb = new(CsbMode.Prepare(bound, program, option), bound, binds, status);
    }

    /// <summary>The CSB mode that the last request has prepared; null when it has not.</summary>
    public PendingCsb? TakePendingCsb() => Interlocked.Exchange(ref _pendingCsb, null);

    /// <summary>CSB mode begins, or what the request did is undone.</summary>
    /// <param name="csb">Prepared.</param>
    /// <param name="written">What came of writing the arrays.</param>
    public Errno Finish(PendingCsb csb, Errno written)
    {
        lock (_engine.ControlLock)
        {
            if (_registration != csb.Bound)
                return Errno.ENXIO;
            if (written == Errno.Success)
            {
                Volatile.Write(ref _csb, csb.Mode);
                _poller.IsSilent = true;
                return Errno.Success;
            }
            LastRefusal = new(written, "csb", csb.Bound.Adapter.Name, "the arrays are not in the program's memory");
            if (csb.Binds)
                Unregister();
            return written;
        }
    }

    /// <summary>A sync loop begins. One that was stopped before it began ends at once.</summary>
    /// <exception cref="NetmapException">EBUSY another one runs.</exception>
    public void Begin(SyncKloop loop)
    {
        if (Interlocked.CompareExchange(ref _kloop, loop, null) is not null)
            throw KloopRuns();
        // Full fence; pairs with the exchange in Unregister: either the loop sees that its port is closed, or that sees the loop.
        if (Interlocked.Exchange(ref _stopNextKloop, 0) != 0 || Registration != loop.Bound)
            loop.RequestStop();
    }

    /// <summary>
    /// SYNC_KLOOP_STOP. Without a loop the next one ends at once (spec 10): a program that starts the loop in a thread and
    /// stops it may be faster than its thread.
    /// </summary>
    /// <returns>The loop that ends now; null without one.</returns>
    public SyncKloop? StopKloop()
    {
        // Full fence; pairs with the one in Begin: either the loop that begins sees the mark, or we see the loop.
        Interlocked.Exchange(ref _stopNextKloop, 1);
        if (Kloop is not { } loop)
            return null;
        Interlocked.Exchange(ref _stopNextKloop, 0);
        loop.RequestStop();
        return loop;
    }

    public static NetmapException KloopRuns() => new(Errno.EBUSY, "sync loop", null, "one runs on this file already");

    public void End(SyncKloop loop) => Interlocked.CompareExchange(ref _kloop, null, loop);

    /// <summary>Undoes <see cref="Register"/> when a later step of the same request fails. Under the control lock.</summary>
    public void Unregister()
    {
        Registration? registration = Interlocked.Exchange(ref _registration, null);
        _poller.Unbind();
        Kloop?.RequestStop();
        Volatile.Write(ref _csb, null);
        _pendingCsb = null;
        _poller.IsSilent = false;
        registration?.Close();
    }

    /// <summary>An ioctl of a C program or of our own API.</summary>
    /// <param name="request">NIOC* number.</param>
    /// <param name="argument">Address in <paramref name="memory"/>.</param>
    /// <param name="memory">The caller's memory.</param>
    public Errno Ioctl(uint request, ulong argument, CallerMemory memory) => request switch
    {
        NetmapH.NIOCTXSYNC => TxSync(),
        NetmapH.NIOCRXSYNC => RxSync(),
        NetmapH.NIOCCTRL => ControlRequest.Run(this, argument, memory),
        NetmapH.NIOCREGIF or NetmapH.NIOCGINFO => LegacyRequest.Run(this, request, argument, memory),
        NetmapH.NIOCCONFIG => Errno.EINVAL,
        _ => Errno.EOPNOTSUPP,
    };

    /// <summary>NIOCTXSYNC over all bound transmit rings (spec 3.7).</summary>
    /// <param name="indirect">Where slots that point to memory of the program's find their data; null for this process's, on its own files.</param>
    /// <returns>
    /// ENXIO unbound; EIO a ring is stopped or its interface gone; ENETDOWN while the interface is down, where the
    /// reference would block until it is up again.
    /// </returns>
    public Errno TxSync(IndirectData? indirect = null)
    {
        Registration? bound = Registration;
        if (bound is null)
            return Errno.ENXIO;
        if (Csb is not null)
            return Errno.EBUSY;
        Errno result = Errno.Success;
        foreach (KRing ring in bound.TxRings)
            Keep(ref result, RingSync.Transmit(bound.Adapter, ring, SyncFlags.ForceReclaim, indirect ?? _indirect, out _));
        return result;
    }

    /// <summary>NIOCRXSYNC over all bound receive rings (spec 3.7).</summary>
    /// <returns>As <see cref="TxSync"/>.</returns>
    public Errno RxSync()
    {
        Registration? bound = Registration;
        if (bound is null)
            return Errno.ENXIO;
        if (Csb is not null)
            return Errno.EBUSY;
        Errno result = Errno.Success;
        foreach (KRing ring in bound.RxRings)
            Keep(ref result, RingSync.Receive(bound.Adapter, ring, SyncFlags.ForceRead | bound.Forwarding, _engine.Options, out _));
        return result;
    }

    /// <summary>Maps part of the port's memory; the port stays bound until the mapping is disposed too (spec 1.4).</summary>
    /// <exception cref="NetmapException">EINVAL before REGISTER or beyond the region.</exception>
    public FileMapping Map(long offset, long length)
    {
        lock (_engine.ControlLock)
        {
            SharedRegion region = Mappable(offset, length);
            _registration!.Memory.GiveTo(ClientProcess.Own);
            FileMapping mapping = new(this, region, offset, length);
            _references++;
            return mapping;
        }
    }

    /// <summary>The same for another process, which maps it itself; from then on it can fill slots there. Under the control lock.</summary>
    /// <param name="offset">From here on.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="process">The one that gets it; null where that is not certain.</param>
    /// <exception cref="NetmapException">EINVAL before REGISTER or beyond the region; EACCES another process lends it.</exception>
    public SharedRegion Give(long offset, long length, ClientProcess? process)
    {
        SharedRegion region = Mappable(offset, length);
        if (!_registration!.Memory.MayHave(process))
            throw new NetmapException(Errno.EACCES, "map", _registration.Adapter.Name,
                "its memory is part of a file that another process lends: only a process that lends the file itself may map it");
        _registration.Memory.GiveTo(process);
        return region;
    }

    private SharedRegion Mappable(long offset, long length)
    {
        Registration bound = _registration ?? throw new NetmapException(Errno.EINVAL, "map", null,
            "no port is bound to this file; register first");
        if (offset < 0 || length <= 0 || offset % 4096 != 0 || offset > bound.Memory.Bytes - length)
            throw new NetmapException(Errno.EINVAL, "map", bound.Adapter.Name,
                $"[{offset}, +{length}) is not within the region of {bound.Memory.Bytes} bytes");
        return bound.Memory.Region;
    }

    /// <summary>Closes the descriptor: the port is unbound now, or when the last mapping goes. Idempotent.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
            DropReference();
    }

    public void Dispose() => Close();

    /// <summary>A mapping, or the descriptor, is gone.</summary>
    public void DropReference()
    {
        lock (_engine.ControlLock)
        {
            if (--_references > 0)
                return;
            Unregister();
            _engine.Forget(this);
        }
        _poller.Dispose();
    }

    /// <summary>The first thing that keeps a ring from working is the answer; prologue failures are not (spec 3.7).</summary>
    private static void Keep(ref Errno result, Errno found)
    {
        if (result == Errno.Success && found is Errno.EIO or Errno.ENETDOWN or Errno.ENXIO)
            result = found;
    }
}
