using Netmap.Access;
using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// An allocator: interface objects, rings and buffers in one shared region, in that order (spec 1.4). The region comes
/// into being with the first active user and stays until the allocator is disposed, so that no span a program still
/// holds ever points at unmapped memory; memory that a program lends is there from the beginning. All methods but the properties of the data path take the allocator's lock.
/// </summary>
internal sealed unsafe partial class NetmapMemory : IDisposable
{
    /// <summary>A reserved buffer that bad indices do not mean either: for what nobody reads.</summary>
    public const uint ScratchBuffer = 1;

    private const int ReservedBuffers = 2;

    private readonly Lock _lock = new();
    private readonly ObjectPool _interfaces;
    private readonly ObjectPool _rings;
    private readonly ObjectPool _buffers;
    private SharedRegion? _region;
    private int _activeUsers;
    private bool _used;

    /// <param name="id">mem_id.</param>
    /// <param name="isPrivate">Not the global one.</param>
    /// <param name="geometry">What is in it.</param>
    /// <param name="lent">Memory that a program brings, owned from now on.</param>
    public NetmapMemory(int id, bool isPrivate, MemoryGeometry geometry, SharedRegion? lent = null)
    {
        Id = id;
        IsPrivate = isPrivate;
        Geometry = geometry;
        _region = lent;
        IsLent = lent is not null;
        _interfaces = new(geometry.Interfaces, 0, 0);
        _rings = new(geometry.Rings, geometry.RingOffset, 0);
        _buffers = new(geometry.Buffers, geometry.BufferOffset, Math.Min(ReservedBuffers, geometry.Buffers.Count));
    }

    /// <summary>Ports and open files that need the allocator to stay; counted by <see cref="MemoryRegistry"/>.</summary>
    public int Holders { get; set; } = 1;

    /// <summary>Whose it is: who may use it, and who pays.</summary>
    public Owner Owner { get; init; } = Owner.Alone;

    /// <summary>mem_id, 1 for the global allocator.</summary>
    public int Id { get; }

    public bool IsPrivate { get; }

    public MemoryGeometry Geometry { get; }

    /// <summary>nr_memsize: bytes of the region, made or not.</summary>
    public long Bytes => Geometry.Bytes;

    public long RingPoolOffset => _rings.Offset;

    public long BufferPoolOffset => _buffers.Offset;

    /// <summary>Bytes of a buffer.</summary>
    public int BufferSize => Geometry.Buffers.ObjectSize;

    /// <summary>Buffers, the reserved ones included; indices from here on resolve to buffer 0.</summary>
    public uint BufferCount => (uint)Geometry.Buffers.Count;

    /// <summary>A buffer that rings and programs may have: in the pool, and not reserved.</summary>
    public bool MayHandOut(uint index) => index >= ReservedBuffers && index < BufferCount;

    /// <summary>First byte of buffer 0; valid while there is an active user.</summary>
    public byte* Buffers { get; private set; }

    /// <summary>The region; only while there is, or has been, an active user.</summary>
    public SharedRegion Region => _region ?? throw new InvalidOperationException("memory without users");

    /// <summary>Objects of each pool that can still be had.</summary>
    public (int Interfaces, int Rings, int Buffers) Available
    {
        get
        {
            lock (_lock)
                return (_interfaces.Available, _rings.Available, _buffers.Available);
        }
    }

    /// <summary>Some open file uses it.</summary>
    public bool IsActive
    {
        get
        {
            lock (_lock)
                return _activeUsers > 0;
        }
    }

    /// <summary>One more open file uses this memory: finalize of the reference.</summary>
    /// <param name="makeArray">
    /// Makes an eBPF array of at least so many bytes for the region to be in, or null; asked where there is no region yet.
    /// </param>
    /// <exception cref="NetmapException">ENOMEM.</exception>
    public void Activate(Func<long, SafeDescriptor?>? makeArray = null)
    {
        lock (_lock)
        {
            if (_region is null && makeArray?.Invoke(Bytes) is { } array)
                _region = SharedRegion.OfArray(array, Bytes);
            _region ??= new SharedRegion(Bytes);
            Buffers = _region.Address + _buffers.Offset;
            _activeUsers++;
        }
    }

    /// <summary>One open file less; with the last one all objects are free again, leaked buffers included (spec 1.4).</summary>
    public void Deactivate()
    {
        lock (_lock)
        {
            if (--_activeUsers > 0)
                return;
            _interfaces.Reset();
            _rings.Reset();
            _buffers.Reset();
        }
    }

    /// <summary>
    /// As <see cref="Deactivate"/>, for a file that could not be opened after all. An array goes then if nobody else had the region: it
    /// is all there whether used or not, and what is opened instead may have no use for it.
    /// </summary>
    public void Abandon()
    {
        lock (_lock)
        {
            Deactivate();
            if (_activeUsers == 0 && !_used && _region is { IsArray: true })
            {
                _region.Dispose();
                _region = null;
            }
        }
    }

    /// <summary>A file that uses it is open: from now on programs may hold addresses in it.</summary>
    public void Commit()
    {
        lock (_lock)
            _used = true;
    }

    /// <summary>A zeroed interface object; its position in the region.</summary>
    /// <exception cref="NetmapException">ENOMEM, naming the option that raises the limit.</exception>
    public long AllocateInterface(int bytes, string port) => Allocate(_interfaces, bytes, port, PoolLimits.GlobalInterfaces);

    /// <summary>A zeroed ring object; its position in the region.</summary>
    /// <exception cref="NetmapException">ENOMEM, naming the option that raises the limit.</exception>
    public long AllocateRing(int slots, string port) =>
        Allocate(_rings, sizeof(netmap_ring) + (slots * sizeof(netmap_slot)), port, PoolLimits.Rings);

    public void FreeInterface(long position) => Free(_interfaces, position);

    public void FreeRing(long position) => Free(_rings, position);

    /// <summary>Gives each slot a buffer of its own: length the buffer's size, no flags.</summary>
    /// <exception cref="NetmapException">ENOMEM; no buffer is taken then.</exception>
    public void AllocateBuffers(Span<netmap_slot> slots, string port)
    {
        lock (_lock)
        {
            if (_buffers.Available < slots.Length)
                throw new NetmapException(Errno.ENOMEM, "open", port,
                    $"{slots.Length} buffers needed, {_buffers.Available} of {BufferCount} free; raise BufferCount");
            foreach (ref netmap_slot slot in slots)
            {
                _buffers.TryAllocate(out int index);
                slot = new() { buf_idx = (uint)index, len = (ushort)Math.Min(BufferSize, ushort.MaxValue) };
            }
        }
    }

    /// <summary>Frees the buffers the slots name now; bad and already free indices are skipped.</summary>
    public void FreeBuffers(ReadOnlySpan<netmap_slot> slots)
    {
        lock (_lock)
        {
            foreach (ref readonly netmap_slot slot in slots)
                _buffers.TryFree(Volatile.Read(in slot.buf_idx));
        }
    }

    /// <summary>Takes one buffer; false when all are taken.</summary>
    public bool TryTakeBuffer(out uint index)
    {
        lock (_lock)
        {
            bool taken = _buffers.TryAllocate(out int found);
            index = taken ? (uint)found : 0;
            return taken;
        }
    }

    /// <summary>Frees one buffer; nothing happens for a bad or already free index.</summary>
    public void FreeBuffer(uint index)
    {
        lock (_lock)
            _buffers.TryFree(index);
    }

    /// <summary>
    /// Takes up to <paramref name="count"/> buffers as a list: each begins with the index of the next, 0 ends it
    /// (spec 1.4, extra buffers).
    /// </summary>
    /// <returns>Buffers taken, never an error.</returns>
    public int AllocateExtra(uint count, out uint head)
    {
        lock (_lock)
        {
            head = 0;
            int taken = 0;
            while (taken < count && _buffers.TryAllocate(out int index))
            {
                *(uint*)BufferAt((uint)index) = head;
                head = (uint)index;
                taken++;
            }
            return taken;
        }
    }

    /// <summary>
    /// Frees a list of extra buffers as the program left it. It ends at a bad index or a double free, so a loop in the
    /// list ends too.
    /// </summary>
    /// <returns>Buffers freed.</returns>
    public int FreeExtra(uint head)
    {
        lock (_lock)
        {
            int freed = 0;
            while (head >= ReservedBuffers && head < BufferCount)
            {
                uint next = Volatile.Read(ref *(uint*)BufferAt(head));
                if (!_buffers.TryFree(head))
                    break;
                freed++;
                head = next;
            }
            return freed;
        }
    }

    /// <summary>Lets go of the memory. A careless program may still look at it: its addresses stay mapped.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            PageReturn? pages = IsGiven ? Owner.Account.Pages : null;
            ForgetPrograms();
            _region?.Retire(pages);
            _region = null;
            Buffers = null;
        }
    }

    private byte* BufferAt(uint index) => Buffers + ((long)index * BufferSize);

    private long Allocate(ObjectPool pool, int bytes, string port, PoolLimits limits)
    {
        lock (_lock)
        {
            if (bytes > pool.Geometry.ObjectSize)
                throw new NetmapException(Errno.ENOMEM, "open", port,
                    $"{bytes} bytes needed in an object of {pool.Geometry.ObjectSize}; raise {limits.SizeOption}");
            if (!pool.TryAllocate(out int index))
                throw new NetmapException(Errno.ENOMEM, "open", port,
                    $"all {pool.Geometry.Count} objects are in use; raise {limits.CountOption}");
            long position = pool.PositionOf(index);
            new Span<byte>(Region.Address + position, pool.Geometry.ObjectSize).Clear();
            return position;
        }
    }

    private void Free(ObjectPool pool, long position)
    {
        lock (_lock)
            pool.TryFree((uint)((position - pool.Offset) / pool.Geometry.ObjectSize));
    }
}
