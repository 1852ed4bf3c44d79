using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>The allocators of an engine by mem_id (spec 1.4). 1 is the global one; private ones follow.</summary>
internal sealed class MemoryRegistry : IDisposable
{
    private readonly Dictionary<int, NetmapMemory> _byId = [];
    private readonly Dictionary<LentFile, NetmapMemory> _lent = [];
    private int _last = 1;

    public MemoryRegistry(NetmapEngineOptions options)
    {
        Global = new NetmapMemory(1, isPrivate: false, MemoryGeometry.Global(options));
        _byId.Add(Global.Id, Global);
    }

    public NetmapMemory Global { get; private set; }

    /// <summary>A global memory of another shape; nobody uses the present one.</summary>
    /// <exception cref="NetmapException">EINVAL naming the option out of range; nothing has changed then.</exception>
    public void Rebuild(NetmapEngineOptions options)
    {
        NetmapMemory rebuilt = new(1, isPrivate: false, MemoryGeometry.Global(options));
        lock (_byId)
        {
            Global.Dispose();
            _byId[1] = Global = rebuilt;
        }
    }

    /// <summary>The allocator with this id; 0 means the global one.</summary>
    /// <exception cref="NetmapException">EINVAL.</exception>
    public NetmapMemory Find(int id, string? port)
    {
        lock (_byId)
        {
            return _byId.TryGetValue(id == 0 ? Global.Id : id, out NetmapMemory? found)
                ? found
                : throw new NetmapException(Errno.EINVAL, "open", port,
                    $"no memory with id {id}; ids in use: {string.Join(", ", _byId.Keys.Order())}");
        }
    }

    /// <summary>A new private allocator with one owner, the caller; its id is the last one given plus 1, skipping 0 and ids in use.</summary>
    public NetmapMemory CreatePrivate(MemoryGeometry geometry, SharedRegion? lent = null)
    {
        lock (_byId)
        {
            int id = _last;
            do
                id = id == ushort.MaxValue ? 1 : id + 1;
            while (_byId.ContainsKey(id));
            NetmapMemory memory = new(id, isPrivate: true, geometry, lent);
            _byId.Add(id, memory);
            _last = id;
            return memory;
        }
    }

    /// <summary>
    /// The allocator on memory that a program lends, with one owner more, the caller. The first one's geometry holds: later ones
    /// that lend the same memory share it.
    /// </summary>
    /// <param name="file">Which memory.</param>
    /// <param name="descriptor">Open on it.</param>
    /// <param name="asked">Bytes and geometry.</param>
    /// <param name="port">For the message.</param>
    /// <exception cref="NetmapException">As <see cref="MemoryGeometry.External"/> and <see cref="LentFile.Map"/>.</exception>
    public NetmapMemory Lend(in LentFile file, int descriptor, in nmreq_pools_info asked, string port)
    {
        lock (_byId)
        {
            if (_lent.TryGetValue(file, out NetmapMemory? shared))
            {
                shared.Owners++;
                return shared;
            }
            return _lent[file] = CreatePrivate(MemoryGeometry.External(asked, port), file.Map(descriptor, port));
        }
    }

    /// <summary>One more owner: the allocator stays until it, too, has called <see cref="Release"/>.</summary>
    public NetmapMemory Keep(NetmapMemory memory)
    {
        lock (_byId)
            memory.Owners++;
        return memory;
    }

    /// <summary>One owner less; a private allocator goes with the last, and its id may be given again.</summary>
    public void Release(NetmapMemory memory)
    {
        lock (_byId)
        {
            if (--memory.Owners > 0 || !memory.IsPrivate)
                return;
            _byId.Remove(memory.Id);
            foreach (LentFile file in _lent.Where(lent => lent.Value == memory).Select(lent => lent.Key).ToArray())
                _lent.Remove(file);
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
        }
    }
}
