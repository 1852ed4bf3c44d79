using Netmap.Bpf;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// Counts frames that were handed to the interface and lost there: it has no room, or takes no redirected frames. The
/// sending program cannot know; two tracepoints do. They cost nothing for frames that are not lost.
/// </summary>
internal sealed unsafe class GearLoss : IDisposable
{
    // Arguments of xdp_devmap_xmit: where from, where to, sent, dropped, error.
    private const int From = 0;
    private const int To = 8;
    private const int Dropped = 24;

    // Of xdp_redirect_err: device, program, target, error, kind of map, its number, index.
    private const int MapId = 40;

    private const int Loopback = 1;
    private static readonly Lazy<Offsets?> s_offsets = new(Offsets.Ask);

    private readonly List<IDisposable> _owned = [];
    private readonly long* _lost;

    private GearLoss(BpfMap counter)
    {
        BpfMapping mapping = counter.Map(0, sizeof(long), writable: true);
        _lost = (long*)mapping.Address;
        _owned.AddRange([counter, mapping]);
    }

    /// <summary>Starts counting losses of one interface.</summary>
    /// <param name="map">The device map that frames are redirected through.</param>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="port">For errors.</param>
    /// <returns>Null where the kernel does not let us look (no CAP_PERFMON, no BTF).</returns>
    public static GearLoss? TryStart(BpfMap map, int interfaceIndex, string port)
    {
        if (s_offsets.Value is not { } offsets || NamespaceNumber() is not { } space)
            return null;
        GearLoss loss = new(BpfMap.Create("netmap_loss", BpfMapSpec.Array(sizeof(long)), port));
        if (loss.Attach("xdp_redirect_err", loss.Refused(map.Id))
            && loss.Attach("xdp_devmap_xmit", loss.Overflowed(offsets, interfaceIndex, space)))
            return loss;
        loss.Dispose();
        return null;
    }

    /// <summary>Frames lost since the last call. The exchange pairs with the programs' atomic additions.</summary>
    public long Take() => Volatile.Read(ref *_lost) == 0 ? 0 : Interlocked.Exchange(ref *_lost, 0);

    public IEnumerable<PortProgram> Programs => _owned.OfType<BpfTracepoint>().Select(tracepoint => tracepoint.Describe());

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
    }

    /// <summary>The inode of the thread's network namespace: its number in the kernel.</summary>
    private static uint? NamespaceNumber()
    {
        string? link = new FileInfo("/proc/thread-self/ns/net").LinkTarget;
        return link is not null && uint.TryParse(link.AsSpan("net:[".Length).TrimEnd(']'), out uint number) ? number : null;
    }

    private bool Attach(string tracepoint, BpfAssembler code)
    {
        BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_RAW_TRACEPOINT, code.Instructions, out _, "netmap_loss");
        if (program is null)
            return false;
        _owned.Add(program);
        BpfTracepoint? link = BpfTracepoint.TryAttach(tracepoint, program, out _);
        if (link is not null)
            _owned.Add(link);
        return link is not null;
    }

    /// <summary>The redirect itself was refused: the map says whose it was.</summary>
    private BpfAssembler Refused(uint map) => Count(new BpfAssembler()
        .Load(BpfSize.Double, R2, R1, MapId)
        .Move64(R3, map)
        .JumpIf32(BpfTest.NotEqual, R2, R3, "other")
        .Move(R2, 1));

    /// <summary>
    /// The driver took only some of a bundle. Ours go from a loopback, which nothing else redirects from, to the interface
    /// of this number in this namespace.
    /// </summary>
    private BpfAssembler Overflowed(Offsets offsets, int interfaceIndex, uint space)
    {
        BpfAssembler code = new BpfAssembler()
            .Load(BpfSize.Double, R2, R1, Dropped)
            .JumpIf32(BpfTest.Equal, R2, 0, "other")
            .Move(R6, R1).Alu32(BpfAlu.Move, R7, R2);
        Read(code.Load(BpfSize.Double, R3, R6, From), offsets.Index, sizeof(uint)).JumpIf32(BpfTest.NotEqual, R0, Loopback, "other");
        Read(code.Load(BpfSize.Double, R3, R6, To), offsets.Index, sizeof(uint)).JumpIf32(BpfTest.NotEqual, R0, interfaceIndex, "other");
        Read(code.Load(BpfSize.Double, R3, R6, To), offsets.Space, sizeof(ulong)).Move(R3, R0);
        Read(code, offsets.Number, sizeof(uint)).JumpIf32(BpfTest.NotEqual, R0, (int)space, "other");
        return Count(code.Move(R2, R7));
    }

    /// <summary>R0 = the kernel's memory at R3 + offset.</summary>
    private static BpfAssembler Read(BpfAssembler code, int offset, int bytes) => code
        .Store(BpfSize.Double, R10, -8, 0)
        .Move(R1, R10).Alu(BpfAlu.Add, R1, -8).Move(R2, bytes).Alu(BpfAlu.Add, R3, offset)
        .Call(BpfFunc.BPF_FUNC_probe_read_kernel)
        .Load(BpfSize.Double, R0, R10, -8);

    /// <summary>Adds R2 to the counter.</summary>
    private BpfAssembler Count(BpfAssembler code) => code
        .LoadMapValue(R1, (BpfMap)_owned[0])
        .Atomic(BpfAtomic.Add, BpfSize.Double, R1, 0, R2)
        .Label("other").Exit(0);

    /// <summary>Offsets of an interface's number, of its namespace, and of the namespace's number in that.</summary>
    private sealed record Offsets(int Index, int Space, int Number)
    {
        public static Offsets? Ask() => KernelTypes.Running() is { } types
            && types.Offset("net_device", "ifindex") is { } index && types.Offset("net_device", "nd_net") is { } space
            && types.Offset("net", "ns") is { } common && types.Offset("ns_common", "inum") is { } number
            ? new(index, space, common + number) : null;
    }
}
