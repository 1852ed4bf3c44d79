using Netmap.Access;
using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// The allocators of an engine by mem_id (spec 1.4). Each owner has a default one, which is what ids 0 and 1 mean to that owner: for the
/// engine's own user it is there from the beginning and has id 1. Private ones follow. An owner reaches nothing but its own.
/// </summary>
internal sealed class MemoryRegistry : IDisposable
{
    private const int Global1 = 1;

    private readonly Dictionary<int, NetmapMemory> _byId = [];
    private readonly Dictionary<(Owner, LentFile), NetmapMemory> _lent = [];
    private readonly Dictionary<Owner, NetmapMemory> _defaults = [];
    private readonly Owner _self;
    private NetmapEngineOptions _options;
    private int _last = Global1;

    /// <param name="options">Of the default allocators.</param>
    /// <param name="self">The engine's own user.</param>
    public MemoryRegistry(NetmapEngineOptions options, Owner self)
    {
        (_options, _self) = (options, self);
        Global = Remember(MakeGlobal(options));
    }

    /// <summary>The default allocator of the engine's own user.</summary>
    public NetmapMemory Global { get; private set; }

    /// <summary>Default allocators of another shape, for those to come; nobody uses the global one.</summary>
    /// <exception cref="NetmapException">EINVAL naming the option out of range; nothing has changed then.</exception>
    public void Rebuild(NetmapEngineOptions options)
    {
        NetmapMemory rebuilt = MakeGlobal(options);
        lock (_byId)
        {
            Global.Dispose();
            _options = options;
            Global = Remember(rebuilt);
        }
    }

    /// <summary>An owner's allocator with this id; 0 and 1 mean its default one. One holder more, the caller.</summary>
    /// <exception cref="NetmapException">EINVAL the owner has none of this id; ENOMEM.</exception>
    public NetmapMemory Take(Owner owner, int id, string? port)
    {
        lock (_byId)
        {
            NetmapMemory memory = id is 0 or Global1 ? Default(owner, port) : Find(owner, id, port);
            memory.Holders++;
            return memory;
        }
    }

    /// <summary>Whether <see cref="Take"/> would find it, without making anything.</summary>
    /// <exception cref="NetmapException">EINVAL.</exception>
    public void Check(Owner owner, int id, string? port)
    {
        lock (_byId)
        {
            if (id is not (0 or Global1))
                Find(owner, id, port);
        }
    }

    /// <summary>The allocator with this id, any owner's; null for none.</summary>
    public NetmapMemory? Find(int id)
    {
        lock (_byId)
            return _byId.GetValueOrDefault(id);
    }

    /// <summary>A new private allocator with one holder, the caller; its id is the last one given plus 1, skipping 0 and ids in use.</summary>
    /// <exception cref="NetmapException">ENOMEM more than the owner may have, or no id left.</exception>
    public NetmapMemory CreatePrivate(Owner owner, MemoryGeometry geometry, string? port, SharedRegion? lent = null)
    {
        lock (_byId)
        {
            owner.Account.TakeMemory(geometry.Bytes, port);
            if (NextId() is { } id)
                return Remember(new NetmapMemory(id, isPrivate: true, geometry, lent) { Owner = owner });
            owner.Account.ReturnMemory(geometry.Bytes);
            throw NoIds(port);
        }
    }

    /// <summary>
    /// The allocator on memory that a program lends, with one holder more, the caller. The first one's geometry holds: later ones
    /// of the same owner that lend the same memory share it.
    /// </summary>
    /// <param name="owner">Who lends.</param>
    /// <param name="file">Which memory.</param>
    /// <param name="descriptor">Open on it.</param>
    /// <param name="asked">Bytes and geometry.</param>
    /// <param name="port">For the message.</param>
    /// <exception cref="NetmapException">As <see cref="MemoryGeometry.External"/>, <see cref="LentFile.Map"/> and <see cref="CreatePrivate"/>.</exception>
    public NetmapMemory Lend(Owner owner, in LentFile file, int descriptor, in nmreq_pools_info asked, string port)
    {
        lock (_byId)
        {
            if (_lent.TryGetValue((owner, file), out NetmapMemory? shared))
            {
                shared.Holders++;
                return shared;
            }
            MemoryGeometry geometry = MemoryGeometry.External(asked, port);
            SharedRegion region = file.Map(descriptor, port);
            try
            {
                return _lent[(owner, file)] = CreatePrivate(owner, geometry, port, region);
            }
            catch
            {
                region.Dispose();
                throw;
            }
        }
    }

    /// <summary>One more holder: the allocator stays until it, too, has called <see cref="Release"/>.</summary>
    public NetmapMemory Keep(NetmapMemory memory)
    {
        lock (_byId)
            memory.Holders++;
        return memory;
    }

    /// <summary>One holder less; an allocator goes with the last, and its id may be given again. The global one stays.</summary>
    public void Release(NetmapMemory memory)
    {
        lock (_byId)
        {
            if (--memory.Holders > 0 || memory == Global)
                return;
            _byId.Remove(memory.Id);
            if (_defaults.GetValueOrDefault(memory.Owner) == memory)
                _defaults.Remove(memory.Owner);
            foreach ((Owner, LentFile) file in _lent.Where(lent => lent.Value == memory).Select(lent => lent.Key).ToArray())
                _lent.Remove(file);
            memory.Owner.Account.ReturnMemory(memory.Bytes);
        }
        memory.Dispose();
    }

    public void Dispose()
    {
        lock (_byId)
        {
            foreach (NetmapMemory memory in _byId.Values)
                memory.Dispose();
            _byId.Clear();
            _lent.Clear();
            _defaults.Clear();
        }
    }

    private NetmapMemory MakeGlobal(NetmapEngineOptions options) => new(Global1, isPrivate: false, MemoryGeometry.Global(options)) { Owner = _self };

    private NetmapMemory Default(Owner owner, string? port)
    {
        if (owner == _self)
            return Global;
        if (_defaults.TryGetValue(owner, out NetmapMemory? known))
            return known;
        MemoryGeometry geometry = MemoryGeometry.Global(_options);
        owner.Account.TakeMemory(geometry.Bytes, port);
        if (NextId() is not { } id)
        {
            owner.Account.ReturnMemory(geometry.Bytes);
            throw NoIds(port);
        }
        // Its holders are counted from the first one on, who is about to come.
        return _defaults[owner] = Remember(new NetmapMemory(id, isPrivate: false, geometry) { Owner = owner, Holders = 0 });
    }

    private NetmapMemory Find(Owner owner, int id, string? port)
    {
        if (_byId.TryGetValue(id, out NetmapMemory? found) && found.Owner == owner)
            return found;
        IEnumerable<int> own = _byId.Values.Where(memory => memory.Owner == owner).Select(memory => memory.Id).Order();
        throw new NetmapException(Errno.EINVAL, "open", port, $"no memory with id {id}; those of user {owner} are: {string.Join(", ", own.Prepend(Global1).Distinct())}");
    }

    private NetmapMemory Remember(NetmapMemory memory)
    {
        _byId[memory.Id] = memory;
        return memory;
    }

    /// <summary>Null when all are in use. Id 1 is not given twice.</summary>
    private int? NextId()
    {
        if (_byId.Count >= ushort.MaxValue)
            return null;
        int id = _last;
        do
            id = id == ushort.MaxValue ? Global1 : id + 1;
        while (_byId.ContainsKey(id));
        return _last = id;
    }

    private static NetmapException NoIds(string? port) => new(Errno.ENOMEM, "open", port, $"all {ushort.MaxValue} ids of memories are in use");
}
