using Netmap.Access;
using Netmap.Adapters;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>
/// What open files share: allocators, adapters, and the one lock that serialises requests (spec 3.1). Nothing here is on
/// the data path.
/// </summary>
internal sealed class Engine : IDisposable
{
    private readonly List<IDeviceFactory> _factories;
    private readonly Dictionary<string, NetmapAdapter> _adapters = [];
    private readonly HashSet<NetmapFile> _files = [];
    private readonly Lazy<AsyncPoller> _poller;
    private MemoryRegistry? _memories;
    private bool _disposed;

    public Engine(NetmapEngineOptions options, IEnumerable<IDeviceFactory> factories)
    {
        Options = options;
        _factories = [.. factories];
        _poller = new(() => new AsyncPoller());
        Owners = new OwnerRegistry(Unistd.geteuid());
        Own = new Caller(this, Owners.Self, Owners.Self.Who) { IsTrusted = true };
        Switches = new(() => Options, () => Memories);
    }

    /// <summary>As they are now: replaced as a whole when a parameter changes, for what is opened or made from then on.</summary>
    public NetmapEngineOptions Options { get; private set; }

    /// <summary>Serialises registering, unregistering and looking up.</summary>
    public Lock ControlLock { get; } = new();

    /// <summary>Allocators; made on first use, so that options out of range are reported where a port is opened.</summary>
    public MemoryRegistry Memories => _memories ??= new MemoryRegistry(Options, Owners.Self);

    /// <summary>Whose things there are.</summary>
    public OwnerRegistry Owners { get; }

    /// <summary>This process.</summary>
    public Caller Own { get; }

    /// <summary>What the administrator has decided of other users. Replaced as a whole, under the control lock.</summary>
    public AccessPolicy Policy { get; set; } = AccessPolicy.Default;

    /// <summary>VALE switches and persistent ports.</summary>
    public ValeSwitches Switches { get; }

    /// <summary>Interfaces that belong to switches.</summary>
    public Attachments Attachments { get; } = new();

    public AsyncPoller Poller => _poller.Value;

    /// <exception cref="ObjectDisposedException"/>
    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, typeof(NetmapEngine));

    /// <summary>Changes a parameter (spec 1.5). Those of the global memory only while nobody uses it.</summary>
    /// <exception cref="NetmapException">EINVAL no such parameter, or out of range; EACCES it is read-only; EBUSY the memory is in use.</exception>
    public void Change(string name, long value)
    {
        lock (ControlLock)
        {
            NetmapEngineOptions changed = EngineParameters.Change(Options, name, value, out bool isMemory);
            if (isMemory)
            {
                if (_adapters.Count > 0 || Memories.Global.IsActive)
                    throw new NetmapException(Errno.EBUSY, "set", name, "the global memory is in use; close the ports on it first");
                Memories.Rebuild(changed);
            }
            Options = changed;
        }
    }

    /// <summary>Devices found by this factory come before those of the factories already there.</summary>
    public void AddFactory(IDeviceFactory factory)
    {
        lock (ControlLock)
            _factories.Insert(0, factory);
    }

    /// <summary>A new, unbound netmap file: open("/dev/netmap").</summary>
    /// <param name="remote">For another process, on whose behalf it is.</param>
    public NetmapFile Open(Caller? remote = null)
    {
        lock (ControlLock)
        {
            ThrowIfDisposed();
            NetmapFile file = new(remote ?? Own, remote is not null);
            _files.Add(file);
            return file;
        }
    }

    /// <summary>
    /// Finds the adapter of a system interface, or makes one (spec 3.3), and takes a reference. Under the control lock.
    /// </summary>
    /// <param name="caller">Whose it will be if it is made.</param>
    /// <param name="name">Of the interface.</param>
    /// <exception cref="NetmapException">ENXIO no such interface, EACCES not this user's, EOPNOTSUPP admode 1, or what opening the device says.</exception>
    public NetmapAdapter Acquire(Caller caller, string name)
    {
        foreach (IDeviceFactory factory in _factories)
        {
            if (factory.Identify(name) is not { } key)
                continue;
            if (!_adapters.TryGetValue(key, out NetmapAdapter? adapter))
            {
                Permission.OpenInterface(caller, name);
                _adapters.Add(key, adapter = Make(caller.Owner, name, factory));
            }
            adapter.References++;
            return adapter;
        }
        throw new NetmapException(Errno.ENXIO, "open", name, "no such interface here; `ip link` lists those there are");
    }

    /// <summary>A network interface or a persistent port has this name.</summary>
    public bool InterfaceExists(string name) =>
        Switches.FindPersistent(name) is not null || _factories.Any(factory => factory.Identify(name) is not null);

    /// <summary>
    /// Gives a reference back. The last one frees the adapter; the one it stood in front of, if any, takes its place again.
    /// </summary>
    public void Release(NetmapAdapter adapter)
    {
        if (--adapter.References > 0)
            return;
        string? key = _adapters.FirstOrDefault(entry => entry.Value == adapter).Key;
        adapter.Release();
        if (key is null)
            return;
        Memories.Release(adapter.OwnMemory);
        if (adapter.Previous is not { } previous)
        {
            _adapters.Remove(key);
            return;
        }
        _adapters[key] = previous;
        Release(previous);
    }

    /// <summary>
    /// Puts an adapter, with one reference and a holder's count of its memory, in front of what serves this device now; that one stays
    /// referenced until <see cref="Release"/> restores it.
    /// </summary>
    public void Install(string key, NetmapAdapter adapter)
    {
        if (_adapters.TryGetValue(key, out NetmapAdapter? previous))
        {
            previous.References++;
            adapter.Previous = previous;
        }
        _adapters[key] = adapter;
        adapter.References++;
    }

    /// <summary>As <see cref="Install"/>, with an adapter made for the same device as <paramref name="present"/>.</summary>
    /// <exception cref="NetmapException">ENXIO: its name is another device's by now, or nobody's.</exception>
    public NetmapAdapter Replace(NetmapAdapter present, Func<IDeviceFactory, NetmapAdapter> make)
    {
        string key = _adapters.First(entry => entry.Value == present).Key;
        IDeviceFactory factory = _factories.FirstOrDefault(known => known.Identify(present.Name) == key)
            ?? throw new NetmapException(Errno.ENXIO, "open", present.Name, "the interface went away, or has another name, while it was being opened");
        NetmapAdapter adapter = make(factory);
        Memories.Keep(adapter.OwnMemory);
        Install(key, adapter);
        return adapter;
    }

    private NetmapAdapter Make(Owner owner, string name, IDeviceFactory factory)
    {
        NetmapMemory memory = Memories.Take(owner, 0, name);
        try
        {
            return AdapterChoice.Make(this, memory, name, factory);
        }
        catch
        {
            Memories.Release(memory);
            throw;
        }
    }

    public void Forget(NetmapFile file)
    {
        lock (ControlLock)
            _files.Remove(file);
    }

    public void Dispose()
    {
        NetmapFile[] open;
        lock (ControlLock)
        {
            if (_disposed)
                return;
            _disposed = true;
            open = [.. _files];
            Attachments.Clear();
        }
        foreach (NetmapFile file in open)
            file.Close();
        if (_poller.IsValueCreated)
            _poller.Value.Dispose();
        _memories?.Dispose();
    }
}
