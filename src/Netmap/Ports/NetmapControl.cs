using Netmap.Control;
using Netmap.Interop;

namespace Netmap;

/// <summary>
/// Requests about switches and their ports by full name, <c>vale0:eth0</c>, as a C program makes them through NIOCCTRL
/// and <c>netmap vale-ctl</c> makes them for its user (spec 7.3). <see cref="NetmapSwitch"/> is the handier way for one
/// switch.
/// </summary>
public static class NetmapControl
{
    /// <summary>Puts an interface, or a persistent port, onto a switch, which is made if there is none (VALE_ATTACH).</summary>
    /// <param name="port"><c>vale0:eth0</c>.</param>
    /// <param name="options">With the host's stack or without; memory.</param>
    /// <param name="engine">The engine that hosts the switch; the process-wide one by default.</param>
    /// <returns>The port's number on the switch.</returns>
    /// <exception cref="NetmapException">
    /// EINVAL not a switch's port or no such interface, EBUSY attached or open already, ENOMEM malformed name or switch full,
    /// and what opening the interface says: EPERM …
    /// </exception>
    public static int Attach(string port, AttachOptions? options = null, NetmapEngine? engine = null)
    {
        options ??= new();
        nmreq_vale_attach body = new();
        body.reg.nr_mode = options.Host ? NetmapReq.NR_REG_NIC_SW : NetmapReq.NR_REG_ALL_NIC;
        body.reg.nr_mem_id = MemoryId(options.MemoryId, port);
        Locked(engine, core => ValeRequests.Attach(core.Own, port, ref body, options.Offloads));
        return (int)body.port_index;
    }

    /// <summary>Takes an interface or a persistent port off its switch (VALE_DETACH).</summary>
    /// <returns>The number it had.</returns>
    /// <exception cref="NetmapException">ENXIO no such port, EINVAL not a switch's port, EBUSY a program's own port, polled, or on a second switch.</exception>
    public static int Detach(string port, NetmapEngine? engine = null)
    {
        nmreq_vale_detach body = default;
        Locked(engine, core => ValeRequests.Detach(core.Own, port, ref body));
        return (int)body.port_index;
    }

    /// <summary>Where a port is (VALE_LIST of a name); the port's number is 255 where its switch has no such port.</summary>
    /// <exception cref="NetmapException">EINVAL not a switch's port, ENOENT no such switch.</exception>
    public static SwitchPortAddress Find(string port, NetmapEngine? engine = null)
    {
        nmreq_vale_list body = default;
        string name = port;
        Locked(engine, core => ValeRequests.List(core, ref name, ref body));
        return new(name, body.nr_bridge_idx, (int)body.nr_port_idx);
    }

    /// <summary>All ports of all switches of an engine (VALE_LIST until its end).</summary>
    public static IReadOnlyList<SwitchPortAddress> List(NetmapEngine? engine = null)
    {
        List<SwitchPortAddress> all = [];
        Locked(engine, core => all.AddRange(core.Switches.All.SelectMany(vale =>
            vale.Ports.All.Select(port => new SwitchPortAddress($"{vale.Name}:{port.Name}", vale.Index, port.Number)))));
        return all;
    }

    /// <summary>Makes a persistent port: it has a name of its own, and stays until <see cref="DeletePort"/> (VALE_NEWIF).</summary>
    /// <returns>Rings, slots and memory as they are.</returns>
    /// <exception cref="NetmapException">EINVAL name or memory, EEXIST there is such an interface.</exception>
    public static PersistentPort CreatePort(string name, PersistentPort? shape = null, NetmapEngine? engine = null)
    {
        shape ??= new();
        nmreq_vale_newif body = new()
        {
            nr_tx_rings = (ushort)Math.Clamp(shape.TxRings, 0, ushort.MaxValue),
            nr_rx_rings = (ushort)Math.Clamp(shape.RxRings, 0, ushort.MaxValue),
            nr_tx_slots = (uint)Math.Max(0, shape.TxSlots),
            nr_rx_slots = (uint)Math.Max(0, shape.RxSlots),
            nr_mem_id = MemoryId(shape.MemoryId, name),
        };
        Locked(engine, core => ValeRequests.NewInterface(core.Own, name, ref body));
        return new()
        {
            TxRings = body.nr_tx_rings,
            RxRings = body.nr_rx_rings,
            TxSlots = (int)body.nr_tx_slots,
            RxSlots = (int)body.nr_rx_slots,
            MemoryId = body.nr_mem_id,
        };
    }

    /// <summary>Removes a persistent port (VALE_DELIF).</summary>
    /// <exception cref="NetmapException">ENXIO no such port, EINVAL not a persistent one, EBUSY open or on a switch.</exception>
    public static void DeletePort(string name, NetmapEngine? engine = null) =>
        Locked(engine, core => ValeRequests.DeleteInterface(core.Own, name));

    /// <summary>Threads on CPUs of their own receive from an attached interface and forward, without sleeping (VALE_POLLING_ENABLE).</summary>
    /// <exception cref="NetmapException">EOPNOTSUPP not an interface, EFAULT on already, EINVAL CPUs or rings that are not there.</exception>
    public static void EnablePolling(string port, PollingOptions options, NetmapEngine? engine = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        nmreq_vale_polling body = new()
        {
            nr_mode = (uint)options.Mode,
            nr_first_cpu_id = (uint)options.FirstCpu,
            nr_num_polling_cpus = (uint)options.Cpus,
        };
        Locked(engine, core => ValeRequests.Polling(core.Own, port, enable: true, body));
    }

    /// <summary>Ends polling (VALE_POLLING_DISABLE).</summary>
    /// <exception cref="NetmapException">EFAULT polling is not on.</exception>
    public static void DisablePolling(string port, NetmapEngine? engine = null) =>
        Locked(engine, core => ValeRequests.Polling(core.Own, port, enable: false, default));

    /// <summary>Bytes of the virtio-net header before each frame of a port (PORT_HDR_GET).</summary>
    /// <exception cref="NetmapException">ENXIO no such port.</exception>
    public static int GetHeaderLength(string port, NetmapEngine? engine = null)
    {
        nmreq_port_hdr body = default;
        Locked(engine, core => Requests.PortHeader(core.Own, port, ref body));
        return (int)body.nr_hdr_len;
    }

    /// <summary>Sets it, for a software port of a switch (PORT_HDR_SET): 0, 10 or 12.</summary>
    /// <exception cref="NetmapException">EINVAL another length, ENXIO no such port.</exception>
    public static void SetHeaderLength(string port, int length, NetmapEngine? engine = null) =>
        Locked(engine, core => ValeRequests.SetHeader(core.Own, port, new nmreq_port_hdr { nr_hdr_len = (uint)length }));

    private static void Locked(NetmapEngine? engine, Action<Engine> request)
    {
        Engine core = (engine ?? NetmapEngine.Default).Core;
        lock (core.ControlLock)
        {
            core.ThrowIfDisposed();
            request(core);
        }
    }

    private static ushort MemoryId(int id, string port) => id is >= 0 and <= ushort.MaxValue
        ? (ushort)id
        : throw new NetmapException(Errno.EINVAL, "use memory", port, $"memory ids are 0..{ushort.MaxValue}, not {id}");
}

/// <summary>A port of a switch, with its numbers (nr_bridge_idx, nr_port_idx).</summary>
/// <param name="Name"><c>vale0:port</c>.</param>
/// <param name="SwitchIndex">Number of the switch in its engine.</param>
/// <param name="PortIndex">Number of the port on the switch; slots may name it (NS_PORT_SHIFT).</param>
public sealed record SwitchPortAddress(string Name, int SwitchIndex, int PortIndex);

/// <summary>How to attach an interface.</summary>
public sealed record AttachOptions
{
    /// <summary>The host's stack stays connected, as a second port of the switch (<c>vale-ctl -h</c>); else it is cut off.</summary>
    public bool Host { get; init; }

    /// <summary>Memory allocator for the interface's rings, 0 for its own.</summary>
    public int MemoryId { get; init; }

    /// <summary>
    /// Super-frames and unfinished checksums of an offloading sender pass from interface to interface as they are, where
    /// the device can; ports of programs get them cut up and finished. Without, each frame is finished when it is received,
    /// super-frames are lost at an interface, and short frames are sent faster.
    /// </summary>
    public bool Offloads { get; init; } = true;
}

/// <summary>Shape of a persistent port; 0 asks for the default.</summary>
public sealed record PersistentPort
{
    /// <summary>Transmit rings, 1..16.</summary>
    public int TxRings { get; init; }

    /// <summary>Receive rings, 1..16.</summary>
    public int RxRings { get; init; }

    /// <summary>Slots of a transmit ring, up to 4096.</summary>
    public int TxSlots { get; init; }

    /// <summary>Slots of a receive ring, up to 4096.</summary>
    public int RxSlots { get; init; }

    /// <summary>Memory allocator; 0 for one of its own.</summary>
    public int MemoryId { get; init; }
}

/// <summary>Which CPUs poll an attached interface.</summary>
public sealed record PollingOptions
{
    /// <summary>One thread for all rings, or one for each ring.</summary>
    public PollingMode Mode { get; init; } = PollingMode.SingleCpu;

    /// <summary>The first CPU.</summary>
    public int FirstCpu { get; init; }

    /// <summary>CPUs; 1 with <see cref="PollingMode.SingleCpu"/>. One of the machine's must stay free.</summary>
    public int Cpus { get; init; } = 1;
}

/// <summary>Modes of polling (NETMAP_POLLING_MODE_*).</summary>
public enum PollingMode
{
    /// <summary>The first CPU polls all receive rings.</summary>
    SingleCpu = 1,

    /// <summary>CPU i polls receive ring i.</summary>
    MultiCpu = 2,
}
