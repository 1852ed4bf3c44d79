using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Devices.Host;

/// <summary>
/// The kernel's network stack behind an interface. What it sends is taken at the tcx egress hook; what it is to receive
/// comes from a packet socket whose frames turn round at that hook. All of it hangs on descriptors: when the process dies
/// the host has its interface back.
/// </summary>
/// <param name="device">The interface.</param>
/// <param name="clearsMarks">The device's own capture lets marked frames pass and clears the mark; else this does.</param>
internal sealed unsafe class KernelHost(IHostInterface device, bool clearsMarks) : IHostSide
{
    private HostEgress? _egress;
    private HostCapture? _ingress;
    private BpfMap? _counters;
    private BpfMapping? _counts;
    private HostInjector[] _tx = [];
    private HostReceiver[] _rx = [];

    /// <summary>
    /// Frames on their way to the host carry it, for an instant; packet sockets that receive for netmap are to ignore them.
    /// Picked at random: nothing else on this machine has it.
    /// </summary>
    public uint Mark { get; } = (uint)Random.Shared.Next(1 << 24, int.MaxValue);

    public IReadOnlyList<PortProgram> Programs =>
        [.. new PortProgram?[] { _egress?.Describe(), _ingress?.Describe() }.OfType<PortProgram>()];

    public string? Limits => _egress?.WhyIdle is { } idle ? idle
        : _egress?.WhyNotSeen is { } why ? $"tunnels that the host sends through are known by their usual ports only ({why})" : null;

    public string? Late => _egress?.Late ?? _ingress?.Late;

    public Errno Start(HostSetup setup)
    {
        Errno refused = Attach(setup);
        if (refused != Errno.Success)
            Stop();
        return refused;
    }

    public void SetRings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx)
    {
        for (int i = 0; i < hostRx.Length; i++)
        {
            if (hostRx[i])
                _rx[i].Open(device.Name);
        }
        _egress!.SetRings(Rings(nicTx, hostRx), device.Name);
        CloseUnread(hostRx);
    }

    public void CloseRings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx)
    {
        _egress!.CloseRings(Rings(nicTx, hostRx));
        CloseUnread(hostRx);
    }

    public IHostTxQueue TxQueue(int index) => _tx[index];

    public IHostRxQueue RxQueue(int index) => _rx[index];

    public void RefreshCounters()
    {
        if (_counts is not { } counts)
            return;
        foreach ((int i, HostReceiver ring) in _rx.Index())
            ring.AddDrops(new ReadOnlySpan<ulong>(counts.Address, _rx.Length * HostEgress.CountersEach).Slice(i * HostEgress.CountersEach, HostEgress.CountersEach));
    }

    public void Stop()
    {
        RefreshCounters();
        _egress?.Dispose();
        _ingress?.Dispose();
        foreach (HostInjector ring in _tx)
            ring.Dispose();
        foreach (HostReceiver ring in _rx)
            ring.Close();
        _counts?.Dispose();
        _counters?.Dispose();
        (_egress, _ingress, _counts, _counters, _tx, _rx) = (null, null, null, null, [], []);
    }

    private Errno Attach(HostSetup setup)
    {
        int bytes = setup.RxCounters.Count * HostEgress.CountersEach * sizeof(ulong);
        if ((_counters = BpfMap.TryCreate("netmap_host", BpfMapSpec.Array(bytes), out Errno refused)) is null)
            return refused;
        _counts = _counters.Map(0, (nuint)bytes, writable: false);
        if ((_egress = HostEgress.TryStart(device.InterfaceIndex, Mark, _counters, out refused)) is null)
            return refused;
        if (!clearsMarks && (_ingress = HostCapture.TryStart(device.InterfaceIndex, [], Mark, out refused)) is null)
            return refused;
        List<HostInjector> tx = [];
        for (int i = 0; i <= setup.TxRings && refused == Errno.Success; i++)
        {
            if (HostInjector.TryOpen(device, Mark, out refused) is { } injector)
                tx.Add(injector);
        }
        _tx = [.. tx];
        _rx = [.. setup.RxCounters.Select(counters => new HostReceiver(device, counters, setup.RxSlots))];
        return refused;
    }

    private HostEgressRings Rings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx) => new(nicTx.ToArray(), Buffers(hostRx), device.Prefix);

    /// <summary>The program that wrote to these is gone.</summary>
    private void CloseUnread(ReadOnlySpan<bool> hostRx)
    {
        for (int i = 0; i < hostRx.Length; i++)
        {
            if (!hostRx[i])
                _rx[i].Close();
        }
    }

    private BpfMap?[] Buffers(ReadOnlySpan<bool> open)
    {
        BpfMap?[] buffers = new BpfMap?[open.Length];
        for (int i = 0; i < buffers.Length; i++)
            buffers[i] = open[i] ? _rx[i].Map : null;
        return buffers;
    }
}
