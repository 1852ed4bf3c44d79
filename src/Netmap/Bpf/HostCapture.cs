using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>
/// Takes received frames from the host's stack: a tcx ingress program drops them after the packet sockets have had their
/// copy. Frames of rings that nobody has open go on to the stack (spec 5.4).
/// </summary>
internal sealed unsafe class HostCapture : IDisposable
{
    private readonly BpfLink _link;
    private readonly uint _mark;

    private HostCapture(BpfLink link, uint mark) => (_link, _mark) = (link, mark);

    /// <summary>Starts taking the frames of these rings.</summary>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="rings">Which are open; none at all where something else takes the frames.</param>
    /// <param name="mark">Frames that carry it are meant for the host: they pass, and lose the mark. 0 for none.</param>
    /// <param name="error">Why the kernel refuses.</param>
    /// <returns>Null and <paramref name="error"/> where the kernel refuses; the caller then runs beside the host.</returns>
    public static HostCapture? TryStart(int interfaceIndex, ReadOnlySpan<bool> rings, uint mark, out Errno error)
    {
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(rings, mark), out error, "netmap_ingress");
        if (program is null)
            return null;
        BpfLink? link = BpfLink.TryAttach(LinuxBpf.BPF_TCX_INGRESS, interfaceIndex, program, out error);
        return link is null ? null : new(link, mark);
    }

    /// <summary>Takes the frames of these rings only.</summary>
    public Errno SetRings(ReadOnlySpan<bool> rings)
    {
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, Assemble(rings, _mark), out Errno error, "netmap_ingress");
        return program is null ? error : _link.Replace(program);
    }

    public void Dispose() => _link.Dispose();

    /// <summary>
    /// Two instructions when all rings are open, and five before them for marked frames. Else the frame's ring is worked out as the packet sockets' fanout does:
    /// recorded receive queue modulo rings; the kernel stores the queue plus 1, and 0 for "not recorded".
    /// </summary>
    internal static bpf_insn[] Assemble(ReadOnlySpan<bool> rings, uint mark = 0)
    {
        BpfAssembler code = new();
        if (mark != 0)
        {
            int field = (int)Marshal.OffsetOf<__sk_buff>(nameof(__sk_buff.mark));
            code.Load(BpfSize.Word, R0, R1, field)
                .JumpIf32(BpfTest.NotEqual, R0, (int)mark, "received")
                .Move(R0, 0)
                .Store(BpfSize.Word, R1, field, R0)
                .Exit(LinuxBpf.TCX_NEXT)
                .Label("received");
        }
        // The verifier refuses code that nothing reaches.
        if (!rings.Contains(true))
            return code.Exit(LinuxBpf.TCX_NEXT).Instructions;
        if (!rings.Contains(false))
            return code.Exit(LinuxBpf.TCX_DROP).Instructions;
        code.Load(BpfSize.Word, R0, R1, (int)Marshal.OffsetOf<__sk_buff>(nameof(__sk_buff.queue_mapping)))
            .JumpIf(BpfTest.Equal, R0, 0, "recorded")
            .Alu(BpfAlu.Subtract, R0, 1)
            .Label("recorded")
            .Alu(BpfAlu.Modulo, R0, rings.Length);
        // Any number of rings: a shift by the ring number would wrap at 64.
        for (int i = 0; i < rings.Length; i++)
        {
            if (rings[i])
                code.JumpIf(BpfTest.Equal, R0, i, "take");
        }
        return code.Exit(LinuxBpf.TCX_NEXT).Label("take").Exit(LinuxBpf.TCX_DROP).Instructions;
    }
}
