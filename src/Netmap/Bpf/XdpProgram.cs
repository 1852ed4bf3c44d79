using System.Runtime.InteropServices;
using Netmap.Bpf.Filters;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>Parts of the program that frames go through before the XDP sockets; each expects the context in R6.</summary>
/// <param name="Filter">Received frames that do not match go on to the host.</param>
/// <param name="Receiving">
/// Takes received frames another way, and decides what the sockets get. Its second argument is queue to socket, its third what
/// a frame must go through first, if anything.
/// </param>
/// <param name="Prefix">Frames that begin with it are the host's; null where none of those come by.</param>
/// <param name="Lifeline">Without it all frames go on to the host.</param>
internal readonly record struct XdpParts(FrameFilter? Filter, Action<BpfAssembler, BpfMap, Action<BpfAssembler>?>? Receiving, HostPrefix? Prefix = null,
    Lifeline? Lifeline = null);

/// <summary>
/// The program that hands received frames to XDP sockets. Five instructions, after those that see whether the process
/// lives; more where a filter chooses, or where VLAN tags that the driver keeps beside the frame have to be put back into it.
/// </summary>
internal static class XdpProgram
{
    private const string Pass = "pass";
    private const string Wanted = "wanted";
    private const int Key = -4;
    private const int Protocol = -8;
    private const int Tag = -16;
    private const int TagBytes = 4;

    private static readonly Lazy<int> s_tagFunction = new(() => KernelTypes.Running()?.FunctionId("bpf_xdp_metadata_rx_vlan_tag") ?? 0);

    /// <summary>The kernel function that tells a stripped tag, 0 where there is none.</summary>
    public static int TagFunction => s_tagFunction.Value;

    /// <param name="sockets">Queue to socket.</param>
    /// <param name="parts">What frames go through before that.</param>
    /// <param name="tagFunction">0 to leave tags alone.</param>
    /// <param name="frags">Frames may come in several pieces.</param>
    public static bpf_insn[] Assemble(BpfMap sockets, XdpParts parts, int tagFunction = 0, bool frags = false)
    {
        BpfAssembler code = new();
        // R6: the context, over all calls.
        code.Move(R6, R1);
        parts.Prefix?.LetPass(code);
        parts.Lifeline?.Check(code, Pass);
        if (parts.Filter is { } filter)
            Choose(code, filter, tagFunction, frags ? FilterFrame.XdpPieces(Protocol, Tag) : FilterFrame.Xdp(Protocol, Tag));
        if (parts.Receiving is { } receive)
        {
            receive(code, sockets, tagFunction == 0 ? null : mended => RestoreTag(mended, tagFunction));
            return code.Label(Pass).Exit(LinuxBpf.XDP_PASS).Instructions;
        }
        if (tagFunction != 0)
        {
            SkipWithoutSocket(code, sockets);
            RestoreTag(code, tagFunction);
        }
        Redirect(code, sockets, LinuxBpf.XDP_PASS);
        if (parts.Filter is not null || parts.Lifeline is not null || tagFunction != 0)
            code.Label(Pass).Exit(LinuxBpf.XDP_PASS);
        return code.Instructions;
    }

    /// <summary>Ends the program: the frame goes to its queue's socket. Expects the context in R6.</summary>
    /// <param name="code">Where to.</param>
    /// <param name="sockets">Queue to socket.</param>
    /// <param name="otherwise">The answer when the queue has no socket, or is none of the map's.</param>
    public static void Redirect(BpfAssembler code, BpfMap sockets, int otherwise) => code
        .Load(BpfSize.Word, R2, R6, Offset(nameof(xdp_md.rx_queue_index)))
        .LoadMap(R1, sockets)
        .Move(R3, otherwise)
        .Call(BpfFunc.BPF_FUNC_redirect_map)
        .Exit();

    private static void SkipWithoutSocket(BpfAssembler code, BpfMap sockets) => code
        .Load(BpfSize.Word, R1, R6, Offset(nameof(xdp_md.rx_queue_index)))
        .Store(BpfSize.Word, R10, Key, R1)
        .LoadMap(R1, sockets).Move(R2, R10).Alu(BpfAlu.Add, R2, Key)
        .Call(BpfFunc.BPF_FUNC_map_lookup_elem)
        .JumpIf(BpfTest.Equal, R0, 0, Pass);

    /// <summary>Frames that do not match go to the host. Tags that cannot be asked for are not there for a filter either.</summary>
    private static void Choose(BpfAssembler code, FrameFilter filter, int tagFunction, FilterFrame frame)
    {
        if (tagFunction != 0)
        {
            AskTag(code, tagFunction, "filter untagged");
            new FilterProgram(code, filter, frame, isTagged: true, Wanted, Pass).Append();
            code.Label("filter untagged");
        }
        new FilterProgram(code, filter, frame, isTagged: false, Wanted, Pass).Append();
        code.Label(Wanted);
    }

    /// <summary>The tag that the driver keeps beside the frame comes onto the stack; where there is none the code goes elsewhere.</summary>
    private static void AskTag(BpfAssembler code, int tagFunction, string none) => code
        .Store(BpfSize.Double, R10, Protocol, 0).Store(BpfSize.Double, R10, Tag, 0)
        .Move(R1, R6)
        .Move(R2, R10).Alu(BpfAlu.Add, R2, Protocol)
        .Move(R3, R10).Alu(BpfAlu.Add, R3, Tag)
        .CallKernel(tagFunction)
        // The answer is 0 where the frame has one.
        .JumpIf32(BpfTest.NotEqual, R0, 0, none);

    /// <summary>
    /// Only in frames that are ours: the host's still have their tag beside them, and would have it twice. A frame whose tag
    /// does not fit is dropped; without it, it would belong to another network. R0–R5 are lost.
    /// </summary>
    private static void RestoreTag(BpfAssembler code, int tagFunction)
    {
        AskTag(code, tagFunction, "tag_done");
        // Four bytes more at the front; addresses move there, protocol and tag take their place.
        code.Move(R1, R6).Move(R2, -TagBytes)
            .Call(BpfFunc.BPF_FUNC_xdp_adjust_head)
            .JumpIf(BpfTest.NotEqual, R0, 0, "tag_drop")
            .Load(BpfSize.Word, R2, R6, Offset(nameof(xdp_md.data)))
            .Load(BpfSize.Word, R3, R6, Offset(nameof(xdp_md.data_end)))
            .Move(R4, R2).Alu(BpfAlu.Add, R4, 12 + TagBytes)
            .JumpIf(BpfTest.Above, R4, R3, "tag_drop");
        for (int i = 0; i < 12; i += 4)
            code.Load(BpfSize.Word, R1, R2, i + TagBytes).Store(BpfSize.Word, R2, i, R1);
        code.Load(BpfSize.Half, R1, R10, Protocol).Store(BpfSize.Half, R2, 12, R1)
            .Load(BpfSize.Half, R1, R10, Tag).BigEndian(R1, 16).Store(BpfSize.Half, R2, 14, R1)
            .Jump("tag_done")
            .Label("tag_drop")
            .Exit(LinuxBpf.XDP_DROP)
            .Label("tag_done");
    }

    private static int Offset(string field) => (int)Marshal.OffsetOf<xdp_md>(field);
}
