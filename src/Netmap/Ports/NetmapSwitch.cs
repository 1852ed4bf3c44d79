using Netmap.Control;
using Netmap.Interop;
using Netmap.Vale;

namespace Netmap;

/// <summary>
/// A VALE switch: a learning Ethernet switch in this process, whose ports are interfaces and programs (spec 7).
/// <code>
/// using NetmapSwitch vale = NetmapSwitch.Create("vale0");
/// vale.Attach("eth0");
/// using NetmapPort port = vale.Open("monitor");
/// </code>
/// Frames are forwarded on the threads of those who send them; an interface brings a thread of its own.
/// </summary>
public sealed class NetmapSwitch : IDisposable
{
    private readonly NetmapEngine _engine;
    private readonly ValeSwitch _vale;
    private readonly List<Attachment> _attached = [];
    private readonly List<ValePort> _joined = [];
    private bool _disposed;

    private NetmapSwitch(NetmapEngine engine, ValeSwitch vale) => (_engine, _vale) = (engine, vale);

    /// <summary>The switch of this name; it is made if there is none, and stays until the last holder and port have gone.</summary>
    /// <param name="name"><c>vale0</c>: <c>vale</c> and letters, digits or _; at most 15 characters.</param>
    /// <param name="options">What a switch that is there already takes over too, where set.</param>
    /// <param name="engine">The engine that hosts it; the process-wide one by default.</param>
    /// <exception cref="NetmapException">EINVAL not a switch's name; ENOMEM too many switches.</exception>
    public static NetmapSwitch Create(string name, NetmapSwitchOptions? options = null, NetmapEngine? engine = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (ValeName.TryParse(name + ":") is not { Port: "" } parts)
            throw new NetmapException(Errno.EINVAL, "create switch", name, "a switch is called vale and letters, digits or _, at most 15 characters");
        NetmapEngine host = engine ?? NetmapEngine.Default;
        lock (host.Core.ControlLock)
        {
            host.Core.ThrowIfDisposed();
            ValeSwitch vale = host.Core.Switches.FindOrCreate(host.Core.Owners.Self, parts.Switch);
            host.Core.Switches.Hold(vale);
            NetmapSwitch made = new(host, vale);
            if (options?.Lossless is { } lossless)
                made.Lossless = lossless;
            if (options?.Aging is { } aging)
                made.Aging = aging;
            return made;
        }
    }

    /// <summary><c>vale0</c>.</summary>
    public string Name => _vale.Name;

    /// <summary>Number of the switch in its engine (nr_bridge_idx).</summary>
    public int Index => _vale.Index;

    /// <summary>
    /// A sender whose destination is full keeps the rest and waits, instead of losing it; so the slowest receiver sets the
    /// pace of whoever sends to it, and a broadcast waits for all. May be changed at any time.
    /// </summary>
    public bool Lossless
    {
        get => _vale.Lossless;
        set => _vale.Lossless = value;
    }

    /// <summary>How long an address is remembered that is not seen again; whole seconds, at least 1. May be changed at any time.</summary>
    public TimeSpan Aging
    {
        get => TimeSpan.FromSeconds(_vale.Table.Aging);
        set => _vale.Table.Aging = (uint)Math.Clamp(value.TotalSeconds, 1, int.MaxValue);
    }

    /// <summary>
    /// Where a server gives the engine to several users: who may have ports on the switch beside its owner, <c>alice+%capture</c>;
    /// <c>*</c> for all, empty for the owner alone. Ports that are there stay.
    /// </summary>
    /// <exception cref="NetmapException">EINVAL there is no such user.</exception>
    public string SharedWith
    {
        get => _vale.SharedWith.ToString();
        set
        {
            lock (_engine.Core.ControlLock)
                ValeRequests.Share(_engine.Core.Own, _vale.Name, value);
        }
    }

    /// <summary>The ports there are now, by number.</summary>
    public IReadOnlyList<SwitchPortInfo> Ports => SwitchReport.Ports(_engine.Core, _vale);

    /// <summary>The addresses the switch knows now, those seen last first.</summary>
    public IReadOnlyList<ForwardingEntry> ForwardingTable => SwitchReport.Table(_vale);

    /// <summary>Puts an interface, or a persistent port, onto the switch; the interface serves nobody else meanwhile.</summary>
    /// <param name="name"><c>eth0</c>, in the calling thread's network namespace.</param>
    /// <param name="options">With the host's stack or without; memory.</param>
    /// <returns>The new port.</returns>
    /// <exception cref="NetmapException">EINVAL no such interface, EBUSY in use, ENOMEM switch full, EPERM …</exception>
    public SwitchPortInfo Attach(string name, AttachOptions? options = null)
    {
        lock (_engine.Core.ControlLock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int number = NetmapControl.Attach($"{Name}:{name}", options, _engine);
            SwitchPort port = _vale.Find(name)!;
            if (_engine.Core.Attachments.Of(port) is { } attachment)
                _attached.Add(attachment);
            else
                _joined.Add((ValePort)port.Adapter);
            return Ports.First(info => info.Index == number);
        }
    }

    /// <summary>Takes an interface, or a persistent port, off the switch; no frame passes when it returns.</summary>
    /// <exception cref="NetmapException">ENXIO no such port, EBUSY a program's own port, or polled.</exception>
    public void Detach(string name) => NetmapControl.Detach($"{Name}:{name}", _engine);

    /// <summary>Opens a program's own port on the switch, made on first opening.</summary>
    /// <param name="name">Behind the colon, with rings and flags as for <see cref="NetmapPort.Open"/>: <c>monitor</c>, <c>p1/x</c>.</param>
    /// <param name="options">What the name does not say.</param>
    /// <exception cref="NetmapException">EINVAL an interface that is not attached, EBUSY, ENOMEM switch full.</exception>
    public NetmapPort Open(string name, NetmapPortOptions? options = null)
    {
        // Not by making the switch anew, which nobody would hold.
        ObjectDisposedException.ThrowIf(_disposed, this);
        return NetmapPort.Open($"{Name}:{name}", options, _engine);
    }

    /// <summary>Threads on CPUs of their own poll an attached interface instead of sleeping until it has frames.</summary>
    /// <exception cref="NetmapException">EOPNOTSUPP not an interface, EFAULT on already, EINVAL CPUs or rings that are not there.</exception>
    public void EnablePolling(string name, PollingOptions options) => NetmapControl.EnablePolling($"{Name}:{name}", options, _engine);

    /// <summary>Ends polling.</summary>
    /// <exception cref="NetmapException">EFAULT polling is not on.</exception>
    public void DisablePolling(string name) => NetmapControl.DisablePolling($"{Name}:{name}", _engine);

    /// <summary>A snapshot of what came in and went out at each port, and what was lost and why.</summary>
    public SwitchStatistics GetStatistics() => SwitchReport.Statistics(_engine.Core, _vale);

    /// <summary>
    /// Detaches what was attached through this object, polled or not, and lets go of the switch. Ports that programs have
    /// open stay, and with them the switch.
    /// </summary>
    public void Dispose()
    {
        Engine core = _engine.Core;
        lock (core.ControlLock)
        {
            if (_disposed)
                return;
            _disposed = true;
            for (int i = _attached.Count - 1; i >= 0; i--)
                core.Attachments.Remove(_attached[i]);
            foreach (ValePort port in _joined.Where(port => port.Switch == _vale && port.HeldBy is null))
                port.Leave();
            core.Switches.LetGo(_vale);
        }
    }
}

/// <summary>How a switch behaves; null leaves it as it is.</summary>
public sealed record NetmapSwitchOptions
{
    /// <summary>See <see cref="NetmapSwitch.Lossless"/>; a new switch drops.</summary>
    public bool? Lossless { get; init; }

    /// <summary>See <see cref="NetmapSwitch.Aging"/>; a new switch takes <see cref="NetmapEngineOptions.SwitchAging"/>.</summary>
    public TimeSpan? Aging { get; init; }
}
