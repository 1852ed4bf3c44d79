using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// The switches of a running server, from a client's side: <see cref="NetmapControl"/> over its socket. What is attached or made
/// stays as long as the server runs.
/// </summary>
/// <param name="host">The server's address.</param>
public sealed unsafe class HostSwitches(string host) : IDisposable
{
    private readonly RemotePortFile _file = new(host);

    /// <inheritdoc cref="NetmapControl.Attach"/>
    /// <exception cref="NetmapException">EINVAL, EBUSY, ENOMEM; EIO the server is gone.</exception>
    public int Attach(string port, bool hostRings, int memory)
    {
        nmreq_vale_attach body = new();
        body.reg.nr_mode = hostRings ? NetmapReq.NR_REG_NIC_SW : NetmapReq.NR_REG_ALL_NIC;
        body.reg.nr_mem_id = (ushort)memory;
        Ask(NetmapReq.NETMAP_REQ_VALE_ATTACH, port, &body);
        return (int)body.port_index;
    }

    /// <inheritdoc cref="NetmapControl.Detach"/>
    /// <exception cref="NetmapException">ENXIO, EINVAL, EBUSY; EIO the server is gone.</exception>
    public int Detach(string port)
    {
        nmreq_vale_detach body = default;
        Ask(NetmapReq.NETMAP_REQ_VALE_DETACH, port, &body);
        return (int)body.port_index;
    }

    /// <inheritdoc cref="NetmapControl.Find"/>
    /// <exception cref="NetmapException">EINVAL, ENOENT; EIO the server is gone.</exception>
    public SwitchPortAddress Find(string port)
    {
        nmreq_vale_list body = default;
        string name = Ask(NetmapReq.NETMAP_REQ_VALE_LIST, port, &body);
        return new(name, body.nr_bridge_idx, (int)body.nr_port_idx);
    }

    /// <inheritdoc cref="NetmapControl.List"/>
    /// <exception cref="NetmapException">EIO the server is gone.</exception>
    public IReadOnlyList<SwitchPortAddress> List()
    {
        List<SwitchPortAddress> all = [];
        nmreq_vale_list next = default;
        try
        {
            while (true)
            {
                string name = Ask(NetmapReq.NETMAP_REQ_VALE_LIST, "", &next);
                all.Add(new(name, next.nr_bridge_idx, (int)next.nr_port_idx));
                next.nr_port_idx++;
            }
        }
        catch (NetmapException end) when (end.Errno == Errno.ENOENT)
        {
            return all;
        }
    }

    /// <inheritdoc cref="NetmapControl.CreatePort"/>
    /// <exception cref="NetmapException">EINVAL, EEXIST; EIO the server is gone.</exception>
    public PersistentPort CreatePort(string name, PersistentPort shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        nmreq_vale_newif body = new()
        {
            nr_tx_rings = (ushort)Math.Clamp(shape.TxRings, 0, ushort.MaxValue),
            nr_rx_rings = (ushort)Math.Clamp(shape.RxRings, 0, ushort.MaxValue),
            nr_tx_slots = (uint)Math.Max(0, shape.TxSlots),
            nr_rx_slots = (uint)Math.Max(0, shape.RxSlots),
            nr_mem_id = (ushort)shape.MemoryId,
        };
        Ask(NetmapReq.NETMAP_REQ_VALE_NEWIF, name, &body);
        return new()
        {
            TxRings = body.nr_tx_rings,
            RxRings = body.nr_rx_rings,
            TxSlots = (int)body.nr_tx_slots,
            RxSlots = (int)body.nr_rx_slots,
            MemoryId = body.nr_mem_id,
        };
    }

    /// <inheritdoc cref="NetmapControl.DeletePort"/>
    /// <exception cref="NetmapException">ENXIO, EINVAL, EBUSY; EIO the server is gone.</exception>
    public void DeletePort(string name) => Ask(NetmapReq.NETMAP_REQ_VALE_DELIF, name, null);

    /// <inheritdoc cref="NetmapControl.EnablePolling"/>
    /// <exception cref="NetmapException">EOPNOTSUPP, EFAULT, EINVAL; EIO the server is gone.</exception>
    public void EnablePolling(string port, PollingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        nmreq_vale_polling body = new()
        {
            nr_mode = (uint)options.Mode,
            nr_first_cpu_id = (uint)options.FirstCpu,
            nr_num_polling_cpus = (uint)options.Cpus,
        };
        Ask(NetmapReq.NETMAP_REQ_VALE_POLLING_ENABLE, port, &body);
    }

    /// <inheritdoc cref="NetmapControl.DisablePolling"/>
    /// <exception cref="NetmapException">EFAULT; EIO the server is gone.</exception>
    public void DisablePolling(string port)
    {
        nmreq_vale_polling body = default;
        Ask(NetmapReq.NETMAP_REQ_VALE_POLLING_DISABLE, port, &body);
    }

    /// <summary>Says who may have ports on a switch beside its owner; ports that are there stay.</summary>
    /// <param name="name">The switch, <c>vale0</c>.</param>
    /// <param name="users"><c>alice+%capture</c>, <c>*</c> for all, empty for the owner alone.</param>
    /// <exception cref="NetmapException">ENXIO no such switch; EPERM it is another user's; EINVAL no such user; EIO the server is gone.</exception>
    public void Share(string name, string users)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _file.Ask(NmsH.NMS_SHARE_SWITCH, $"{name}={users}", name);
    }

    /// <summary>What came in and went out at each port of a switch, and what was lost and why.</summary>
    /// <param name="name">The switch, <c>vale0</c>.</param>
    /// <exception cref="NetmapException">ENXIO no such switch; EIO the server is gone.</exception>
    public SwitchStatistics GetStatistics(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return PortJson.ReadSwitchStatistics(_file.Ask(NmsH.NMS_STATISTICS, name, name));
    }

    /// <summary>Ends the connection; the switches stay.</summary>
    public void Dispose() => _file.Dispose();

    private string Ask(ushort type, string name, void* body)
    {
        nmreq_header header = new() { nr_version = NetmapH.NETMAP_API, nr_reqtype = type, nr_body = (ulong)body };
        PortNames.Write(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ), name);
        _file.Control(&header, name);
        return PortNames.Read(new ReadOnlySpan<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ));
    }
}
