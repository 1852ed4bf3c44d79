using System.Runtime.InteropServices;
using Netmap.Bpf.Filters;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>
/// Takes received frames from the host's stack: a tcx ingress program drops them after the packet sockets have had their
/// copy. Frames of rings that nobody has open go on to the stack (spec 5.4).
/// </summary>
internal sealed unsafe class HostCapture : IDisposable
{
    private const string Received = "received";
    private const string Take = "take";
    private const string Leave = "leave";

    private readonly BpfLink _link;
    private readonly Lifeline? _lifeline;
    private readonly uint _mark;
    private readonly FrameFilter? _filter;
    private bool[] _rings;

    private HostCapture(BpfLink link, Lifeline? lifeline, string? late, bool[] rings, uint mark, FrameFilter? filter) =>
        (_link, _lifeline, Late, _rings, _mark, _filter) = (link, lifeline, late, rings, mark, filter);

    /// <summary>What <see cref="Lifeline.TryStart"/> says of it.</summary>
    public string? Late { get; }

    /// <summary>Starts taking the frames of these rings.</summary>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="rings">Which are open; none at all where something else takes the frames.</param>
    /// <param name="mark">Frames that carry it are meant for the host: they pass, and lose the mark. 0 for none.</param>
    /// <param name="error">Why the kernel refuses.</param>
    /// <param name="filter">Frames that do not match go on to the stack, too.</param>
    /// <returns>Null and <paramref name="error"/> where the kernel refuses; the caller then runs beside the host.</returns>
    public static HostCapture? TryStart(int interfaceIndex, ReadOnlySpan<bool> rings, uint mark, out Errno error, FrameFilter? filter = null)
    {
        Lifeline? lifeline = Lifeline.TryStart(out string? late);
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(rings, mark, filter, lifeline), out error, "netmap_ingress");
        BpfLink? link = program is null ? null : BpfLink.TryAttach(LinuxBpf.BPF_TCX_INGRESS, interfaceIndex, program, out error);
        if (link is not null)
            return new(link, lifeline, late, rings.ToArray(), mark, filter);
        lifeline?.Dispose();
        return null;
    }

    /// <summary>Takes the frames of these rings only. The kernel is not asked where they are those of now.</summary>
    /// <returns>Success, or why the kernel refuses: the rings are those of before.</returns>
    public Errno SetRings(ReadOnlySpan<bool> rings)
    {
        if (rings.SequenceEqual(_rings))
            return Errno.Success;
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(rings, _mark, _filter, _lifeline), out Errno error, "netmap_ingress");
        error = program is null ? error : _link.Replace(program);
        if (error == Errno.Success)
            _rings = rings.ToArray();
        return error;
    }

    public PortProgram Describe() => _link.Describe();

    public void Dispose()
    {
        _link.Dispose();
        _lifeline?.Dispose();
    }

    /// <summary>
    /// Two instructions when all rings are open; more before them for marked frames, to see whether the process lives, for a
    /// choice among rings, and for a filter.
    /// </summary>
    internal static bpf_insn[] Assemble(ReadOnlySpan<bool> rings, uint mark = 0, FrameFilter? filter = null, Lifeline? lifeline = null)
    {
        BpfAssembler code = new();
        if (mark != 0)
            LetMarkedPass(code, mark);
        // The verifier refuses code that nothing reaches.
        if (!rings.Contains(true))
            return code.Exit(LinuxBpf.TCX_NEXT).Instructions;
        code.Move(R6, R1);
        lifeline?.Check(code, Leave);
        bool some = rings.Contains(false);
        if (some)
            ChooseRings(code, rings);
        if (filter is not null)
        {
            code.Load(BpfSize.Word, R0, R6, Field(nameof(__sk_buff.vlan_present))).JumpIf(BpfTest.Equal, R0, 0, "untagged");
            new FilterProgram(code, filter, FilterFrame.Skb(), isTagged: true, Take, Leave).Append();
            code.Label("untagged");
            new FilterProgram(code, filter, FilterFrame.Skb(), isTagged: false, Take, Leave).Append();
        }
        code.Label(Take).Exit(LinuxBpf.TCX_DROP);
        return (some || filter is not null || lifeline is not null ? code.Label(Leave).Exit(LinuxBpf.TCX_NEXT) : code).Instructions;
    }

    private static void LetMarkedPass(BpfAssembler code, uint mark) => code
        .Load(BpfSize.Word, R0, R1, Field(nameof(__sk_buff.mark)))
        .JumpIf32(BpfTest.NotEqual, R0, (int)mark, Received)
        .Move(R0, 0)
        .Store(BpfSize.Word, R1, Field(nameof(__sk_buff.mark)), R0)
        .Exit(LinuxBpf.TCX_NEXT)
        .Label(Received);

    /// <summary>
    /// The frame's ring is worked out as the packet sockets' fanout does: recorded receive queue modulo rings; the kernel
    /// stores the queue plus 1, and 0 for "not recorded".
    /// </summary>
    private static void ChooseRings(BpfAssembler code, ReadOnlySpan<bool> rings)
    {
        code.Load(BpfSize.Word, R0, R6, Field(nameof(__sk_buff.queue_mapping)))
            .JumpIf(BpfTest.Equal, R0, 0, "recorded")
            .Alu(BpfAlu.Subtract, R0, 1)
            .Label("recorded")
            .Alu(BpfAlu.Modulo, R0, rings.Length);
        // Any number of rings: a shift by the ring number would wrap at 64.
        for (int i = 0; i < rings.Length; i++)
        {
            if (rings[i])
                code.JumpIf(BpfTest.Equal, R0, i, "ours");
        }
        code.Jump(Leave).Label("ours");
    }

    private static int Field(string name) => (int)Marshal.OffsetOf<__sk_buff>(name);
}
