using Netmap.Bpf;
using Netmap.Links;

namespace Netmap.Devices.Xdp;

/// <summary>What the device says of itself.</summary>
internal sealed partial class XdpDevice
{
    public DeviceInfo Describe() => _interface.Describe() with
    {
        Mechanism = "xdp",
        Mode = Mode(),
        TakesFromHost = _capture is not null,
        Gear = Gears is null && _whyPlain is null ? null : GearWords()[2..],
        Queues = [.. Queues("tx", _setup?.TxCounters.Length ?? 0), .. Queues("rx", _setup?.RxQueues ?? 0)],
        Programs = [.. new PortProgram?[] { _capture?.Describe() }.OfType<PortProgram>(), .. Host.Programs, .. Gears?.Programs ?? []],
    };

    /// <summary>The XDP program of somebody else on the interface, in words, or null.</summary>
    public string? ForeignProgram()
    {
        LinkDetails details = _interface.Details(Name);
        uint id = details.DriverProgram != 0 ? details.DriverProgram : details.GenericProgram;
        if (id == 0 || (_capture is { } ours && ours.ProgramId == id))
            return null;
        string name = BpfProgramInfo.TryFind(id, out BpfProgramInfo info) && info.Name.Length > 0 ? $" \"{info.Name}\"" : "";
        return $"XDP program{name} (id {id}) is attached to it already{(info.Name == XdpCapture.ProgramName ? ", a netmap port of another process or engine; a server (netmapd) could share it" : "")}";
    }

    private IEnumerable<PortQueue> Queues(string direction, int count)
    {
        string gear = direction == "rx" && ReceivesFast ? "; receives through the fast gear's ring" : "";
        foreach ((int i, XdpQueue? queue) in _queues.Take(count).Index())
        {
            if (queue is not null)
                yield return new() { Direction = direction, Ring = i, Queue = i, Socket = SocketInode.Of(queue.Socket.Fd), Mode = $"XDP, {(queue.Socket.IsZeroCopy ? "zero-copy" : "copy")}{gear}" };
        }
    }

    private string Mode()
    {
        if (_setup is null)
            return ForeignProgram() is { } foreign ? $"not open; {foreign}" : "not open";
        bool zeroCopy = Array.Exists(_queues, queue => queue is { Socket.IsZeroCopy: true });
        string copying = zeroCopy ? "zero-copy" : $"copy mode ({_whyCopy ?? "no queue is open"})";
        string filter = _setup.Filter is { } wanted ? $"; takes only: {wanted.Words}" : "";
        return _capture switch
        {
            null => $"XDP sockets, {copying}, sending only",
            { Mode: XdpMode.Native } native => $"XDP sockets, {copying}; XDP program in the driver{(Frags ? ", frames over several buffers" : "")}{filter}{Tags(native)}",
            { } behind => $"XDP sockets, {copying}; XDP program behind the driver (skb mode: the driver refused, {_nativeRefused}){filter}{Tags(behind)}",
        } + BusyWords() + GearWords() + (Host.Limits is { } limits ? $"; {limits}" : "")
            + ((_capture?.Late ?? Host.Late) is { } late ? $"; {late}" : "");
    }

    private string Tags(XdpCapture capture) => capture switch
    {
        { RestoresTags: true } => "",
        { Mode: XdpMode.Native } => "; VLAN tags the driver keeps beside frames are lost",
        _ => _interface.BesideFrames() is { } unseen ? $"; it does not see {unseen}" : "",
    };

    /// <summary>
    /// The kernel must know which queue of the driver a socket's frames come from: since 6.14 only where the driver tells it
    /// and has zero-copy, before that once a frame came.
    /// </summary>
    private string BusyWords() => !BusyPolls ? ""
        : ReceivesFast ? "; busy polling without effect: frames come through the mapped ring (NativeGear.Plain)"
        : Array.Exists(_queues, queue => queue is { Socket.IsPollable: true }) ? "; busy polling"
        : "; busy polling without effect: the kernel knows no queue of the driver to poll";

    private string GearWords() => Gears is { } gears
        ? $"; fast gear: {(ReceivesFast ? "receives through a mapped ring, " : "")}sends live frames"
            + (_setup!.Reachable is null ? ", packed (netmap's memory is out of the programs' reach: lent, larger than 512 MiB, first used by other ports, or the kernel had no room for it)" : "")
            + (gears.CanSend ? "" : " when the interface takes redirected frames, not now (a veth does when the other end polls: it needs an XDP program or generic-receive-offload; until then XDP sockets send)")
            + (gears.IsLossUnknown ? " (frames lost behind the interface cannot be counted: no CAP_PERFMON or BTF)" : "")
        : _whyPlain is { } why ? $"; no fast gear: {why}" : "";
}
