using System.Globalization;
using Netmap.Adapters;
using Netmap.Bpf;
using Netmap.Control;
using Netmap.Devices;
using Netmap.Devices.Packet;
using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap;

/// <summary>
/// What a port on an interface would be and why, found out without opening it: nothing is attached, nothing is bound, the host
/// keeps every frame.
/// </summary>
internal sealed class InterfaceProbe : IDisposable
{
    private const int CapIpcLock = 14;

    private readonly string _name;
    private readonly Engine _engine;
    private readonly KernelInterface _interface;
    private readonly XdpFeatures _features;
    private readonly List<ProbeResult> _results = [];

    private InterfaceProbe(string name, Engine engine)
    {
        (_name, _engine) = (name, engine);
        _interface = new KernelInterface(name);
        _features = new XdpFeatures(_interface.Index);
    }

    /// <param name="name">An interface, in the calling thread's namespace.</param>
    /// <param name="engine">Whose options and memory count.</param>
    /// <exception cref="NetmapException">ENXIO no such interface.</exception>
    public static IReadOnlyList<ProbeResult> Run(string name, Engine engine)
    {
        using InterfaceProbe probe = new(name, engine);
        lock (engine.ControlLock)
            probe.Ask();
        return probe._results;
    }

    public void Dispose()
    {
        _features.Dispose();
        _interface.Dispose();
    }

    private void Ask()
    {
        bool canOpen = Try("interface", "every port on it", TryInterface);
        bool sockets = Try("packet sockets", "the generic adapter", () => new PacketSocket(_name).Dispose());
        bool programs = Try("eBPF", "taking frames from the host; without it a generic port runs beside the host, and there is no native one", TryProgram);
        bool free = Try("XDP hook", "the native adapter; another program there is an error, unless AdapterMode says generic", TryHook);
        bool xsk = Try("XDP sockets", "the native adapter, and the generic one's faster way to send", TryNative);
        bool memory = Try("locked memory", "the native adapter: the kernel holds on to the whole buffer pool", TryMemory);
        bool whole = Add("XDP in the driver", _features.RunsPrograms, "the driver tells of none", "the native adapter at its speed; else its program may run behind the driver (generic XDP)")
            || AddGenericXdp();
        bool zeroCopy = Add("zero-copy", _features.HasZeroCopy, "the driver has none", "the driver reads and writes netmap's buffers itself; else the kernel copies each frame once");
        Add("fast gear, receiving", programs && !zeroCopy && _features.RunsPrograms && _engine.Options.NativeGear != NativeGear.Plain,
            WhyNoGear(zeroCopy), "received frames come through a mapped ring, without socket buffers");
        Add("fast gear, sending", programs && !zeroCopy && _features.TakesRedirects && _engine.Options.NativeGear != NativeGear.Plain,
            zeroCopy || _engine.Options.NativeGear == NativeGear.Plain ? WhyNoGear(zeroCopy)
                : "the interface does not take redirected frames now; a veth does when its other end has an XDP program or generic-receive-offload on",
            "batches are sent without socket buffers");
        Add("libpcap", PcapPcap.IsInstalled, "apt-get install libpcap0.8", "filters");
        Conclude(canOpen, sockets, programs && xsk && memory && (whole || _engine.Options.AdapterMode == AdapterMode.Native), free);
    }

    private bool AddGenericXdp()
    {
        string? unseen = _interface.BesideFrames();
        return Add("generic XDP", unseen is null, $"it does not show {unseen}", "the native adapter behind the driver; else there is none, unless AdapterMode says native");
    }

    private void Conclude(bool canOpen, bool sockets, bool native, bool free)
    {
        if (Open() is { } adapter)
        {
            DeviceInfo device = adapter.Describe();
            _results.Add(new("port", true, "", $"open now: {adapter.Kind}, {device.Mechanism}: {device.Mode}"
                + (adapter.WhyNotNative is { } why ? $"; not native: {why}" : "")));
            return;
        }
        AdapterMode mode = _engine.Options.AdapterMode;
        string missing = string.Join("; ", _results.Where(result => !result.Available && result.Feature is "eBPF" or "XDP sockets" or "locked memory" or "generic XDP")
            .Select(result => result.Reason));
        _results.Add((canOpen, mode) switch
        {
            (false, _) => new("port", false, _results[0].Reason, "it cannot be opened now"),
            (_, not AdapterMode.Generic) when !free => new("port", false, _results.First(result => result.Feature == "XDP hook").Reason, "it cannot be opened but with AdapterMode generic"),
            (_, not AdapterMode.Generic) when native => new("port", true, "", "native"),
            (_, AdapterMode.Native) => new("port", false, missing, "it cannot be opened natively"),
            _ when sockets => new("port", true, missing, mode == AdapterMode.Generic ? "generic, as AdapterMode says" : "generic"),
            _ => new("port", false, _results.First(result => result.Feature == "packet sockets").Reason, "it cannot be opened"),
        });
    }

    /// <summary>The adapter that serves the interface now, if a file has it open.</summary>
    private NetmapAdapter? Open()
    {
        NetmapAdapter adapter = PortLookup.Acquire(_engine.Own, _name, PortLookup.Plain(), PortUse.Inspect);
        try
        {
            return adapter.ActiveFiles > 0 ? adapter : null;
        }
        finally
        {
            _engine.Release(adapter);
        }
    }

    private string WhyNoGear(bool zeroCopy) => zeroCopy ? "zero-copy is better"
        : _engine.Options.NativeGear == NativeGear.Plain ? "NativeGear says plain"
        : "no eBPF, or no XDP in the driver";

    /// <summary>Nobody else's, and with an MTU that the adapter it would have can carry.</summary>
    private void TryInterface()
    {
        DeviceInfo info = _interface.Prepare();
        NetmapAdapter adapter = PortLookup.Acquire(_engine.Own, _name, PortLookup.Plain(), PortUse.Inspect);
        try
        {
            if (adapter.ActiveFiles == 0 && Registration.MtuRefusal(adapter, info.Mtu) is { } refusal)
                throw new NetmapException(Errno.EINVAL, "probe", _name, refusal);
        }
        finally
        {
            _engine.Release(adapter);
        }
    }

    private static void TryProgram() =>
        BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, HostCapture.Assemble([true]), "netmap_probe", null).Dispose();

    private void TryHook()
    {
        using XdpDevice device = new(_name);
        if (device.ForeignProgram() is { } foreign && Open() is null)
            throw new NetmapException(Errno.EBUSY, "probe", _name, foreign);
    }

    private void TryNative()
    {
        using XdpDevice device = new(_name);
        if (device.Trial(_engine.Memories.Global.BufferSize, mayMissTags: true) is { } refusal)
            throw refusal.AsError(_name);
    }

    private void TryMemory()
    {
        long pool = _engine.Memories.Global.Geometry.Buffers.Bytes;
        if (!HasIpcLock() && MemoryLock.Limit() < pool)
            throw MemoryLock.Refusal(pool, _engine.Memories.Global.BufferSize).AsError(_name);
    }

    private static bool HasIpcLock()
    {
        string? line = File.ReadLines("/proc/thread-self/status").FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is not null && ulong.TryParse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong set)
            && (set & (1ul << CapIpcLock)) != 0;
    }

    private bool Try(string feature, string consequence, Action attempt)
    {
        ProbeResult result = KernelProbe.Try(feature, consequence, attempt);
        _results.Add(result);
        return result.Available;
    }

    private bool Add(string feature, bool available, string reason, string consequence)
    {
        _results.Add(new(feature, available, available ? "" : reason, consequence));
        return available;
    }
}
