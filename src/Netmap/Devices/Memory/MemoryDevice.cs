using System.Security.Cryptography;
using System.Text;
using Netmap.Interop;

namespace Netmap.Devices.Memory;

/// <summary>
/// One end of a wire in memory. A frame handed to queue i arrives at once, on the sender's thread, at queue i of the peer;
/// it is completed when the peer frees it, as on a veth pair.
/// </summary>
internal sealed class MemoryDevice : IDevice
{
    private readonly MemoryPairOptions _options;
    private readonly string _name;
    private MemoryTxQueue[] _tx = [];
    private MemoryRxQueue[] _rx = [];
    private volatile DeviceSetup? _setup;
    private volatile bool[] _receiving = [];
    private volatile LinkState _link = LinkState.Up;

    public MemoryDevice(string name, MemoryPairOptions options)
    {
        _name = name;
        _options = options;
        Stack = new MemoryHost(this);
    }

    /// <summary>The other end; set once, before use.</summary>
    public MemoryDevice? Peer { get; set; }

    /// <summary>The host behind this end.</summary>
    public MemoryHost Stack { get; }

    public IHostSide Host => Stack;

    public LinkState Link => _link;

    public DeviceInfo Describe() => new()
    {
        Name = _name,
        Mechanism = "memory",
        Mode = $"in memory, wired to {Peer?._name}",
        TakesFromHost = true,
        Mtu = _options.Mtu,
        MacAddress = MacOf(_name),
        TxQueues = _options.Queues,
        RxQueues = _options.Queues,
        TxSlots = _options.Slots,
        RxSlots = _options.Slots,
        Link = _link,
    };

    public void Start(DeviceSetup setup)
    {
        if (_setup is not null)
            throw new NetmapException(Errno.EBUSY, "open", _name, "another engine uses this end of the wire");
        if (_link == LinkState.Gone)
            throw new NetmapException(Errno.ENXIO, "open", _name, "the wire is gone");
        _tx = [.. Enumerable.Range(0, setup.TxRings).Select(i => new MemoryTxQueue(this, setup, i, _options.Mtu))];
        _rx = [.. Enumerable.Range(0, setup.RxRings).Select(_ => new MemoryRxQueue(this))];
        _receiving = new bool[setup.RxRings];
        _setup = setup;
    }

    public void Stop()
    {
        _setup = null;
        _receiving = [];
        foreach (MemoryTxQueue queue in _tx)
            queue.Dispose();
        (_tx, _rx) = ([], []);
    }

    public void SetReceiveRings(ReadOnlySpan<bool> on) => _receiving = on.ToArray();

    public void CloseReceiveRings(ReadOnlySpan<bool> on) => SetReceiveRings(on);

    public void RefreshCounters()
    {
        // All that is counted is counted at once.
    }

    public ITxQueue TxQueue(int index) => _tx[index];

    public IRxQueue RxQueue(int index) => _rx[index];

    public void Dispose() => Stop();

    /// <summary>Takes the wire down, up, or away for good, at this end.</summary>
    public void SetLink(LinkState state)
    {
        _link = state;
        _setup?.Events.LinkChanged(state);
    }

    /// <summary>Delivers a frame, if somebody receives on that queue; takes over one reference.</summary>
    /// <returns>False when nobody does; the reference is then still the caller's.</returns>
    public bool TryDeliver(int queue, Mbuf frame)
    {
        bool[] receiving = _receiving;
        if (queue >= receiving.Length || !receiving[queue] || _setup is not { } setup)
            return false;
        setup.Events.Receive(queue, frame);
        return true;
    }

    /// <summary>A locally administered address that stays the same for a name.</summary>
    private static byte[] MacOf(string name)
    {
        byte[] mac = SHA256.HashData(Encoding.UTF8.GetBytes(name))[..6];
        mac[0] = 0x02;
        return mac;
    }
}
