using Netmap.Access;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Vale;

/// <summary>
/// The switches and persistent ports of an engine (spec 7). A switch exists while it has ports, or while it is held.
/// Under the control lock.
/// </summary>
internal sealed class ValeSwitches(Func<NetmapEngineOptions> parameters, Func<MemoryRegistry> memories)
{
    /// <summary>Pipes a private memory leaves room for (spec 1.4).</summary>
    private const int PipesForeseen = 2;

    /// <summary>A switch's number has 16 bits in VALE_LIST, a port's in the forwarding table.</summary>
    private const int Most = ushort.MaxValue;

    private readonly SortedDictionary<int, ValeSwitch> _byIndex = [];
    private readonly Dictionary<string, ValePort> _persistent = [];

    /// <exception cref="NetmapException">EINVAL a limit is out of range.</exception>
    private NetmapEngineOptions Options
    {
        get
        {
            NetmapEngineOptions options = parameters();
            Check(nameof(options.SwitchCount), options.SwitchCount);
            Check(nameof(options.SwitchPortCount), options.SwitchPortCount);
            return options;
        }
    }

    /// <summary>In the order of their indices.</summary>
    public IEnumerable<ValeSwitch> All => _byIndex.Values;

    public ValeSwitch? Find(string name) => _byIndex.Values.FirstOrDefault(vale => vale.Name == name);

    public ValePort? FindPersistent(string name) => _persistent.GetValueOrDefault(name);

    /// <summary>The switch of this name, made if there is none.</summary>
    /// <param name="owner">Whose it is if it is made.</param>
    /// <param name="name">Without the colon.</param>
    /// <exception cref="NetmapException">ENOMEM too many; EINVAL a limit of the engine is out of range.</exception>
    public ValeSwitch FindOrCreate(Owner owner, string name)
    {
        if (Find(name) is { } found)
            return found;
        NetmapEngineOptions options = Options;
        if (_byIndex.Values.Count(vale => vale.Owner == owner) >= options.SwitchCount || _byIndex.Count >= Most)
            throw new NetmapException(Errno.ENOMEM, "open", name, $"there are {_byIndex.Count} switches; raise SwitchCount");
        owner.Account.TakeSwitch(name);
        int index = 0;
        while (_byIndex.ContainsKey(index))
            index++;
        ValeSwitch vale = new(owner, name, index, options);
        _byIndex.Add(index, vale);
        return vale;
    }

    /// <summary>The switch stays without ports, until <see cref="LetGo"/>.</summary>
    public void Hold(ValeSwitch vale) => vale.Holders++;

    public void LetGo(ValeSwitch vale)
    {
        vale.Holders--;
        DropIfUnused(vale);
    }

    public void DropIfUnused(ValeSwitch vale)
    {
        if (vale.Ports.All.Length == 0 && vale.Holders == 0 && _byIndex.Remove(vale.Index))
            vale.Owner.Account.ReturnSwitch();
    }

    /// <summary>A port that lives as long as a file has it open.</summary>
    /// <param name="owner">Whose it will be.</param>
    /// <param name="name">As its users know it.</param>
    /// <param name="parts">The name taken apart.</param>
    /// <param name="request">Shape and memory.</param>
    /// <exception cref="NetmapException">ENOMEM, EINVAL unknown memory.</exception>
    public ValePort CreateEphemeral(Owner owner, string name, ValeName parts, in nmreq_register request)
    {
        ValeSwitch vale = FindOrCreate(owner, parts.Switch);
        ValePort? port = null;
        try
        {
            port = Make(owner, name, parts.Port, new(request.nr_tx_rings, request.nr_rx_rings, request.nr_tx_slots, request.nr_rx_slots),
                request.nr_mem_id, request.nr_extra_bufs, Released);
            port.Join(vale);
            return port;
        }
        catch
        {
            if (port is not null)
                memories().Release(port.OwnMemory);
            DropIfUnused(vale);
            throw;
        }

        void Released(ValePort gone)
        {
            gone.Leave();
            memories().Release(gone.OwnMemory);
            DropIfUnused(vale);
        }
    }

    /// <summary>VALE_NEWIF: a port of its own name that stays until VALE_DELIF.</summary>
    /// <param name="owner">Whose it will be.</param>
    /// <param name="name">At most 15 characters, not of the form of a switch's port.</param>
    /// <param name="shape">Rings and slots.</param>
    /// <param name="memory">mem_id, 0 for memory of its own.</param>
    /// <param name="automatic">Goes with its last user instead.</param>
    /// <exception cref="NetmapException">EINVAL, EEXIST.</exception>
    public ValePort CreatePersistent(Owner owner, string name, in ValeShape shape, int memory, bool automatic)
    {
        owner.Account.TakePort(name);
        try
        {
            ValePort port = Make(owner, name, name, shape, memory, 0, automatic ? Delete : _ => { }, persistent: true, automatic);
            _persistent.Add(name, port);
            return port;
        }
        catch
        {
            owner.Account.ReturnPort();
            throw;
        }
    }

    /// <summary>VALE_DELIF.</summary>
    public void Delete(ValePort port)
    {
        _persistent.Remove(port.Name);
        port.Owner.Account.ReturnPort();
        memories().Release(port.OwnMemory);
    }

    private ValePort Make(Owner owner, string name, string side, in ValeShape shape, int memoryId, uint extra, Action<ValePort> released,
        bool persistent = false, bool automatic = false)
    {
        MemoryRegistry registry = memories();
        NetmapEngineOptions options = Options;
        NetmapMemory memory = memoryId != 0
            ? registry.Take(owner, memoryId, name)
            : registry.CreatePrivate(owner, MemoryGeometry.Private(shape.TxRings, shape.RxRings, shape.TxSlots, shape.RxSlots, PipesForeseen,
                (int)Math.Min(extra, ValePort.MostExtra)), name);
        return new ValePort(name, side, memory, shape, options, released) { IsPersistent = persistent, IsAutomatic = automatic };
    }

    private static void Check(string option, int value)
    {
        if (value is < 1 or > Most)
            throw new NetmapException(Errno.EINVAL, "configure switches", null, $"{option} {value} is outside 1..{Most}");
    }
}
