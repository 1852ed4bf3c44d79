using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf.Filters;

/// <summary>
/// How a translated filter reads the frame it judges. Expects the context in R6; R0–R5 may be used. What is read comes in host byte
/// order, zero-extended; where the frame is too short the code jumps to <c>otherwise</c>.
/// </summary>
internal abstract class FilterFrame
{
    /// <summary>Word of the stack for what a helper reads.</summary>
    protected const int Buffer = -24;

    /// <summary>Once, before everything else.</summary>
    public virtual void Begin(BpfAssembler code)
    {
    }

    /// <summary>to = bytes at a place.</summary>
    public abstract void Load(BpfAssembler code, BpfRegister to, int at, BpfSize size, string otherwise);

    /// <summary>to = bytes at R5, which is not above <see cref="ClassicCheck.Farthest"/>.</summary>
    public abstract void LoadAtR5(BpfAssembler code, BpfRegister to, BpfSize size, string otherwise);

    /// <summary>to = bytes of the frame.</summary>
    public abstract void Length(BpfAssembler code, BpfRegister to);

    /// <summary>to = protocol, or identifier and priority, of the tag beside the frame; only where there is one.</summary>
    public abstract void Tag(BpfAssembler code, BpfRegister to, bool protocol);

    /// <summary>A frame in one piece before an XDP program, with its tag on the stack: pointers, no calls.</summary>
    /// <param name="protocol">Place of the tag's protocol on the stack, in network byte order.</param>
    /// <param name="tag">Place of identifier and priority.</param>
    public static FilterFrame Xdp(int protocol, int tag) => new XdpFrame(protocol, tag);

    /// <summary>A frame in several pieces before an XDP program.</summary>
    /// <inheritdoc cref="Xdp"/>
    public static FilterFrame XdpPieces(int protocol, int tag) => new XdpPiecesFrame(protocol, tag);

    /// <summary>A frame before a tcx program; most of it may lie outside of what pointers reach.</summary>
    public static FilterFrame Skb() => new SkbFrame();

    protected static void ToHost(BpfAssembler code, BpfRegister to, BpfSize size)
    {
        if (size != BpfSize.Byte)
            code.BigEndian(to, size.Bytes() * 8);
    }

    private class XdpFrame(int protocol, int tag) : FilterFrame
    {
        /// <summary>R2 points to the frame, R3 behind it, from here on.</summary>
        public override void Begin(BpfAssembler code) =>
            code.Load(BpfSize.Word, R2, R6, Field(nameof(xdp_md.data))).Load(BpfSize.Word, R3, R6, Field(nameof(xdp_md.data_end)));

        public override void Load(BpfAssembler code, BpfRegister to, int at, BpfSize size, string otherwise)
        {
            code.Move(R5, R2).Alu(BpfAlu.Add, R5, at + size.Bytes()).JumpIf(BpfTest.Above, R5, R3, otherwise).Load(size, to, R2, at);
            ToHost(code, to, size);
        }

        /// <summary>The bound of R5 is what lets the verifier follow the pointer.</summary>
        public override void LoadAtR5(BpfAssembler code, BpfRegister to, BpfSize size, string otherwise)
        {
            code.Move(R1, R2).Alu(BpfAlu.Add, R1, R5)
                .Move(R5, R1).Alu(BpfAlu.Add, R5, size.Bytes()).JumpIf(BpfTest.Above, R5, R3, otherwise)
                .Load(size, to, R1, 0);
            ToHost(code, to, size);
        }

        /// <summary>The kernel lets privileged programs subtract pointers.</summary>
        public override void Length(BpfAssembler code, BpfRegister to) => code.Move(to, R3).Alu(BpfAlu.Subtract, to, R2);

        public override void Tag(BpfAssembler code, BpfRegister to, bool wantsProtocol)
        {
            code.Load(BpfSize.Half, to, R10, wantsProtocol ? protocol : tag);
            if (wantsProtocol)
                code.BigEndian(to, 16);
        }

        protected static int Field(string name) => (int)Marshal.OffsetOf<xdp_md>(name);
    }

    private sealed class XdpPiecesFrame(int protocol, int tag) : XdpFrame(protocol, tag)
    {
        public override void Begin(BpfAssembler code)
        {
        }

        public override void Load(BpfAssembler code, BpfRegister to, int at, BpfSize size, string otherwise) =>
            Read(code.Move(R2, at), BpfFunc.BPF_FUNC_xdp_load_bytes, to, size, otherwise);

        public override void LoadAtR5(BpfAssembler code, BpfRegister to, BpfSize size, string otherwise) =>
            Read(code.Move(R2, R5), BpfFunc.BPF_FUNC_xdp_load_bytes, to, size, otherwise);

        public override void Length(BpfAssembler code, BpfRegister to) =>
            code.Move(R1, R6).Call(BpfFunc.BPF_FUNC_xdp_get_buff_len).Move(to, R0);
    }

    private sealed class SkbFrame : FilterFrame
    {
        public override void Load(BpfAssembler code, BpfRegister to, int at, BpfSize size, string otherwise) =>
            Read(code.Move(R2, at), BpfFunc.BPF_FUNC_skb_load_bytes, to, size, otherwise);

        public override void LoadAtR5(BpfAssembler code, BpfRegister to, BpfSize size, string otherwise) =>
            Read(code.Move(R2, R5), BpfFunc.BPF_FUNC_skb_load_bytes, to, size, otherwise);

        public override void Length(BpfAssembler code, BpfRegister to) => code.Load(BpfSize.Word, to, R6, Field(nameof(__sk_buff.len)));

        public override void Tag(BpfAssembler code, BpfRegister to, bool protocol)
        {
            code.Load(BpfSize.Word, to, R6, Field(protocol ? nameof(__sk_buff.vlan_proto) : nameof(__sk_buff.vlan_tci)));
            if (protocol)
                code.BigEndian(to, 16);
        }

        private static int Field(string name) => (int)Marshal.OffsetOf<__sk_buff>(name);
    }

    /// <summary>R2 = where in the frame; the bytes come over the stack.</summary>
    private static void Read(BpfAssembler code, BpfFunc helper, BpfRegister to, BpfSize size, string otherwise)
    {
        code.Move(R1, R6).Move(R3, R10).Alu(BpfAlu.Add, R3, Buffer).Move(R4, size.Bytes()).Call(helper)
            .JumpIf(BpfTest.NotEqual, R0, 0, otherwise)
            .Load(size, to, R10, Buffer);
        ToHost(code, to, size);
    }
}
