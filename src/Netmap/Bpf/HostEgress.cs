using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>What comes before each frame in a ring of <see cref="HostEgress"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HostFrameRecord
{
    public const int Size = 32;

    /// <summary>In <see cref="Checksum"/>: the program cannot see what follows it there.</summary>
    public const byte NotSeen = 4;

    /// <summary>In <see cref="Checksum"/>: to be completed (CHECKSUM_PARTIAL of the kernel's include/linux/skbuff.h).</summary>
    public const byte Partial = 3;

    /// <summary>Bytes of the frame, without a tag that the kernel keeps beside it.</summary>
    public uint Length;

    /// <summary>Payload of each segment of a super-frame, 0 for a plain frame.</summary>
    public uint SegmentSize;

    /// <summary>Not 0: the next two say the VLAN tag.</summary>
    public uint HasTag;
    public uint Tag;

    /// <summary>EtherType of the tag, in network byte order.</summary>
    public uint TagProtocol;

    /// <summary>How it is with the checksum, CHECKSUM_*: 0 to 2 for nothing to do.</summary>
    public byte Checksum;

    /// <summary>Not 0: the sender's own headers are behind those of a tunnel.</summary>
    public byte IsTunnelled;

    /// <summary>Not 0: a receiver completes the inner checksum, as the tunnel's header tells it.</summary>
    public byte IsRemote;

    /// <summary>Where the sum begins and, from there, its field. Places count from the frame's first byte on, as they all do here.</summary>
    public ushort ChecksumStart;
    public ushort ChecksumOffset;

    /// <summary>The IP header, of a tunnel where there is one, and that behind it.</summary>
    public ushort Network;
    public ushort InnerNetwork;
}

/// <summary>Where frames that the host sends go.</summary>
/// <param name="NicTx">NIC transmit rings in netmap mode: frames of these are taken.</param>
/// <param name="HostRx">A ring buffer for each host receive ring; null where nobody reads.</param>
/// <param name="Prefix">What frames that turn round begin with, where an XDP program would take them otherwise.</param>
internal readonly record struct HostEgressRings(bool[] NicTx, BpfMap?[] HostRx, HostPrefix? Prefix = null)
{
    public bool AreThose(HostEgressRings other) =>
        NicTx.SequenceEqual(other.NicTx) && HostRx.SequenceEqual(other.HostRx) && Prefix == other.Prefix;
}

/// <summary>
/// Stands at the tcx egress hook of an interface, where frames of the host's stack pass on their way to the driver, while
/// those of packet sockets with PACKET_QDISC_BYPASS, of XDP sockets and of XDP redirects do not. Frames of NIC rings in
/// netmap mode are copied to the ring buffer of their host ring and end there (spec 6). Frames that carry our mark come
/// from our own socket: they turn round, and arrive as if the interface had received them.
/// </summary>
internal sealed unsafe class HostEgress : IDisposable
{
    /// <summary>Counters of each host receive ring, 64 bits each, in this order in the counters' map.</summary>
    public const int CountersEach = 4;
    public const int Unread = 0;
    public const int RingFull = 1;
    public const int TooLong = 2;
    public const int Unreadable = 3;

    /// <summary>
    /// Space reserved for a frame of up to so many bytes, its record included: the kernel wants a constant. Acknowledgements,
    /// frames of the usual MTU, jumbo frames, super-frames.
    /// </summary>
    private static readonly int[] s_sizes = [256, 2048, 10240, (1 << 16) + 512];

    private readonly BpfLink _link;
    private readonly Lifeline? _lifeline;
    private readonly int _interface;
    private readonly uint _mark;
    private readonly BpfMap _counters;
    private readonly SkbPlaces? _places;
    private HostEgressRings _rings = new([], []);
    private BpfProgram _idle;
    private HostPrefix? _idlePrefix;

    private HostEgress(BpfLink link, BpfProgram idle, int interfaceIndex, uint mark, BpfMap counters)
    {
        (_link, _idle, _interface, _mark, _counters) = (link, idle, interfaceIndex, mark, counters);
        _lifeline = Lifeline.TryStart(out string? late);
        Late = late;
        _places = SkbPlaces.TryGet(out string? why);
        WhyNotSeen = why;
    }

    /// <summary>Why the program cannot see where a checksum is to be completed; null where it does.</summary>
    public string? WhyNotSeen { get; }

    /// <summary>What <see cref="Lifeline.TryStart"/> says of it.</summary>
    public string? Late { get; }

    /// <summary>Why it takes nothing, though it was asked to; null where it does what it was asked.</summary>
    public string? WhyIdle { get; private set; }

    /// <summary>Attaches, taking nothing yet.</summary>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="mark">Of frames that turn round; not 0.</param>
    /// <param name="counters">Where drops are counted.</param>
    /// <param name="error">EPERM no privilege, EINVAL no tcx in this kernel.</param>
    public static HostEgress? TryStart(int interfaceIndex, uint mark, BpfMap counters, out Errno error)
    {
        bpf_insn[] nothing = Assemble(interfaceIndex, mark, counters, new([], []), null);
        BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, nothing, out error, "netmap_egress");
        if (program is null)
            return null;
        if (BpfLink.TryAttach(LinuxBpf.BPF_TCX_EGRESS, interfaceIndex, program, out error) is { } link)
            return new(link, program, interfaceIndex, mark, counters);
        program.Dispose();
        return null;
    }

    /// <summary>From now on frames go where <paramref name="rings"/> says; no frame falls between.</summary>
    /// <exception cref="NetmapException">The kernel refused: they go where they went before.</exception>
    public void SetRings(HostEgressRings rings, string port)
    {
        if (rings.AreThose(_rings))
            return;
        if (rings.Prefix != _idlePrefix)
        {
            BpfProgram idle = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(new([], [], rings.Prefix)), "netmap_egress", port);
            _idle.Dispose();
            (_idle, _idlePrefix) = (idle, rings.Prefix);
        }
        using BpfProgram program = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(rings), "netmap_egress", port);
        if (_link.Replace(program) is var refused and not Errno.Success)
            throw new NetmapException(refused, "open", port, "the kernel refused to exchange the egress program");
        (_rings, WhyIdle) = (rings, null);
    }

    /// <summary>
    /// As <see cref="SetRings"/>, on the way out: never fails. Where the kernel has no descriptor or memory for another
    /// program, one that is kept for that takes the place: it takes nothing, and frames still turn round.
    /// </summary>
    public void CloseRings(HostEgressRings rings)
    {
        if (rings.AreThose(_rings))
            return;
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(rings), out Errno refused, "netmap_egress");
        refused = program is null ? refused : _link.Replace(program);
        (_rings, WhyIdle) = (rings, null);
        if (refused == Errno.Success)
            return;
        // Takes neither memory nor a descriptor; on an interface that is gone it fails, and means nothing.
        _link.Replace(_idle);
        (_rings, WhyIdle) = (new([], []), $"takes nothing from the host since the kernel refused to change that, {refused}; open the port again");
    }

    public PortProgram Describe() => _link.Describe();

    public void Dispose()
    {
        _link.Dispose();
        _idle.Dispose();
        _lifeline?.Dispose();
    }

    private bpf_insn[] Assemble(HostEgressRings rings) => Assemble(_interface, _mark, _counters, rings, _places, _lifeline);

    /// <summary>
    /// Of frames that a NIC ring sends through a packet socket that cannot bypass this hook: they go on, without the mark.
    /// </summary>
    public static uint PassMark(uint mark) => ~mark;

    /// <summary>R6 context, R7 length of the frame, R8 its record.</summary>
    /// <param name="interfaceIndex">Where marked frames turn round.</param>
    /// <param name="mark">Theirs.</param>
    /// <param name="counters">Of drops.</param>
    /// <param name="rings">Where the others go.</param>
    /// <param name="places">Null where the kernel does not show them.</param>
    /// <param name="lifeline">Without it all frames stay the host's.</param>
    internal static bpf_insn[] Assemble(int interfaceIndex, uint mark, BpfMap counters, HostEgressRings rings, SkbPlaces? places,
        Lifeline? lifeline = null)
    {
        BpfAssembler code = new();
        code.Move(R6, R1)
            .Load(BpfSize.Word, R1, R6, Field(nameof(__sk_buff.mark)))
            .JumpIf32(BpfTest.Equal, R1, (int)mark, "turn")
            .JumpIf32(BpfTest.Equal, R1, (int)PassMark(mark), "pass");
        int[] used = Choose(code, rings, lifeline);
        code.Label("next").Exit(LinuxBpf.TCX_NEXT);
        foreach (int ring in used)
            Take(code, counters, rings.HostRx[ring], ring, places);
        if (used.Length > 0)
            Swallow(code);
        code.Label("pass")
            .Move(R1, 0)
            .Store(BpfSize.Word, R6, Field(nameof(__sk_buff.mark)), R1)
            .Exit(LinuxBpf.TCX_NEXT)
            .Label("turn");
        rings.Prefix?.Put(code, "refused");
        code.Move(R1, interfaceIndex)
            .Move(R2, LinuxBpf.BPF_F_INGRESS)
            .Call(BpfFunc.BPF_FUNC_redirect)
            .Exit();
        return (rings.Prefix is null ? code : code.Label("refused").Exit(LinuxBpf.TCX_DROP)).Instructions;
    }

    /// <summary>
    /// Jumps to the code of the frame's host ring, or falls through for a frame that stays the host's. The kernel has not
    /// chosen a transmit queue yet at this hook: a hash of the flow does, so that a flow keeps to one ring.
    /// </summary>
    /// <returns>Host rings that are jumped to.</returns>
    private static int[] Choose(BpfAssembler code, HostEgressRings rings, Lifeline? lifeline)
    {
        if (!rings.NicTx.Contains(true))
            return [];
        lifeline?.Check(code, "next");
        code.Load(BpfSize.Word, R7, R6, Field(nameof(__sk_buff.len))).JumpIf(BpfTest.Below, R7, LinuxIfEther.ETH_HLEN, "next");
        if (rings.HostRx.Length == 1 && !rings.NicTx.Contains(false))
        {
            code.Jump("take0");
            return [0];
        }
        code.Move(R1, R6).Call(BpfFunc.BPF_FUNC_get_hash_recalc).Alu(BpfAlu.Modulo, R0, rings.NicTx.Length);
        HashSet<int> used = [];
        for (int i = 0; i < rings.NicTx.Length; i++)
        {
            int ring = i % rings.HostRx.Length;
            if (!rings.NicTx[i])
                continue;
            code.JumpIf(BpfTest.Equal, R0, i, $"take{ring}");
            used.Add(ring);
        }
        return [.. used.Order()];
    }

    /// <summary>Copies the frame to a host ring's buffer; a full one is told to the sender, as a full queue would be.</summary>
    private static void Take(BpfAssembler code, BpfMap counters, BpfMap? buffer, int ring, SkbPlaces? places)
    {
        code.Label($"take{ring}");
        if (buffer is null)
        {
            Count(code, counters, ring, Unread).Jump("swallow");
            return;
        }
        for (int i = 0; i < s_sizes.Length; i++)
        {
            string longer = i + 1 < s_sizes.Length ? $"size{ring}-{i + 1}" : $"long{ring}";
            code.Label($"size{ring}-{i}").JumpIf(BpfTest.Above, R7, s_sizes[i] - HostFrameRecord.Size, longer);
            Copy(code, buffer, s_sizes[i], ring, places);
        }
        code.Label($"failed{ring}").Call(BpfFunc.BPF_FUNC_ringbuf_discard);
        Count(code, counters, ring, Unreadable).Exit(LinuxBpf.TCX_DROP);
        code.Label($"full{ring}");
        Count(code, counters, ring, RingFull).Exit(LinuxBpf.TCX_DROP);
        code.Label($"long{ring}");
        Count(code, counters, ring, TooLong).Exit(LinuxBpf.TCX_DROP);
    }

    private static void Copy(BpfAssembler code, BpfMap buffer, int size, int ring, SkbPlaces? places)
    {
        code.LoadMap(R1, buffer).Move(R2, size).Move(R3, 0).Call(BpfFunc.BPF_FUNC_ringbuf_reserve)
            .JumpIf(BpfTest.Equal, R0, 0, $"full{ring}")
            .Move(R8, R0)
            .Store(BpfSize.Word, R8, Record(nameof(HostFrameRecord.Length)), R7);
        Note(code, nameof(__sk_buff.gso_size), nameof(HostFrameRecord.SegmentSize));
        Note(code, nameof(__sk_buff.vlan_present), nameof(HostFrameRecord.HasTag));
        Note(code, nameof(__sk_buff.vlan_tci), nameof(HostFrameRecord.Tag));
        Note(code, nameof(__sk_buff.vlan_proto), nameof(HostFrameRecord.TagProtocol));
        if (places is null)
            // The bytes behind it become 0.
            code.Store(BpfSize.Word, R8, Record(nameof(HostFrameRecord.Checksum)), HostFrameRecord.NotSeen);
        else
            places.Note(code);
        code.Move(R1, R6).Move(R2, 0).Move(R3, R8).Alu(BpfAlu.Add, R3, HostFrameRecord.Size).Move(R4, R7)
            .Call(BpfFunc.BPF_FUNC_skb_load_bytes)
            .Move(R1, R8).Move(R2, 0)
            .JumpIf(BpfTest.NotEqual, R0, 0, $"failed{ring}")
            .Call(BpfFunc.BPF_FUNC_ringbuf_submit)
            .Jump("swallow");
    }

    private static void Note(BpfAssembler code, string from, string to) =>
        code.Load(BpfSize.Word, R1, R6, Field(from)).Store(BpfSize.Word, R8, Record(to), R1);

    /// <summary>
    /// Ends the frame with success. tcx has no verdict for that: TCX_DROP tells the stack of a loss, and TCP takes a segment
    /// for unsent. A redirection to interface 0, which there never is, frees the frame and says that it went.
    /// </summary>
    private static void Swallow(BpfAssembler code) =>
        code.Label("swallow").Move(R1, 0).Move(R2, 0).Call(BpfFunc.BPF_FUNC_redirect).Exit();

    private static BpfAssembler Count(BpfAssembler code, BpfMap counters, int ring, int counter) =>
        code.LoadMapValue(R1, counters, ((ring * CountersEach) + counter) * sizeof(ulong))
            .Move(R2, 1)
            .Atomic(BpfAtomic.Add, BpfSize.Double, R1, 0, R2);

    private static int Field(string name) => (int)Marshal.OffsetOf<__sk_buff>(name);

    private static int Record(string name) => (int)Marshal.OffsetOf<HostFrameRecord>(name);
}
