using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Bpf.Filters;

/// <summary>
/// A filter as a part of an eBPF program: A is R7, X is R8, the scratch memory is on the stack below 32 bytes; R0–R5 are lost.
/// </summary>
/// <param name="code">The program.</param>
/// <param name="filter">The filter.</param>
/// <param name="frame">How it reads frames.</param>
/// <param name="isTagged">The frame's outer VLAN tag lies beside it, and belongs between its addresses and the rest.</param>
/// <param name="match">Label to go on at.</param>
/// <param name="otherwise">Label for frames that do not match.</param>
internal sealed class FilterProgram(BpfAssembler code, FrameFilter filter, FilterFrame frame, bool isTagged, string match, string otherwise)
{
    private const BpfRegister A = R7;
    private const BpfRegister X = R8;
    private const int Scratch = -32;

    private readonly string _prefix = isTagged ? "tagged" : "plain";
    private int _labels;

    public void Append()
    {
        frame.Begin(code);
        // Neither jump is ever taken, and the verifier takes them out; it wants both labels to be reached, whatever the filter.
        code.Move(A, 0).Move(X, 0).JumpIf(BpfTest.NotEqual, A, 0, match).JumpIf(BpfTest.NotEqual, A, 0, otherwise);
        for (int i = 0; i < filter.Instructions.Length; i++)
        {
            // The verifier refuses code that nothing reaches.
            if (!filter.Reached[i])
                continue;
            code.Label(Label(i));
            Translate(filter.Instructions[i], i);
        }
    }

    private string Label(int at) => $"{_prefix} {at}";

    private void Translate(sock_filter one, int at)
    {
        switch (one.code & 0x07)
        {
            case BPF_LD:
                Load(one, A);
                break;
            case BPF_LDX:
                Load(one, X);
                break;
            case BPF_ST or BPF_STX:
                code.Store(BpfSize.Word, R10, Cell(one.k), (one.code & 0x07) == BPF_ST ? A : X);
                break;
            case BPF_ALU:
                Compute(one);
                break;
            case BPF_JMP:
                Jump(one, at);
                break;
            case BPF_RET:
                Return(one);
                break;
            case BPF_MISC:
                code.Alu32(BpfAlu.Move, (one.code & 0xf8) == BPF_TXA ? A : X, (one.code & 0xf8) == BPF_TXA ? X : A);
                break;
        }
    }

    private void Load(sock_filter one, BpfRegister to)
    {
        BpfSize size = (BpfSize)(one.code & 0x18);
        switch (one.code & 0xe0)
        {
            case BPF_IMM:
                code.Alu32(BpfAlu.Move, to, (int)one.k);
                break;
            case BPF_ABS:
                Fetch((int)one.k, size, to);
                break;
            case BPF_IND:
                FetchAtX((int)one.k, size);
                break;
            case BPF_MEM:
                code.Load(BpfSize.Word, to, R10, Cell(one.k));
                break;
            case BPF_LEN:
                frame.Length(code, to);
                if (isTagged)
                    code.Alu(BpfAlu.Add, to, VlanTag.Bytes);
                break;
            case BPF_MSH:
                // Four times the lower half of a byte: an IP header's length.
                Fetch((int)one.k, BpfSize.Byte, to);
                code.Alu32(BpfAlu.And, to, 0xf).Alu32(BpfAlu.ShiftLeft, to, 2);
                break;
        }
    }

    private void Fetch(int at, BpfSize size, BpfRegister to)
    {
        TagOverlap overlap = isTagged ? VlanTag.Overlap(at, size) : TagOverlap.Before;
        switch (overlap)
        {
            case TagOverlap.Before or TagOverlap.Behind:
                frame.Load(code, to, overlap == TagOverlap.Behind ? at - VlanTag.Bytes : at, size, otherwise);
                break;
            case TagOverlap.Part:
                frame.Tag(code, to, protocol: at < VlanTag.Identifier);
                if (size == BpfSize.Byte && (at & 1) == 0)
                    code.Alu32(BpfAlu.ShiftRight, to, 8);
                else if (size == BpfSize.Byte)
                    code.Alu32(BpfAlu.And, to, 0xff);
                break;
            case TagOverlap.Halves:
                Fetch(at, BpfSize.Half, R9);
                Fetch(at + 2, BpfSize.Half, to);
                code.Alu32(BpfAlu.ShiftLeft, R9, 16).Alu32(BpfAlu.Or, to, R9);
                break;
            default:
                // Never equal; the verifier wants the code behind it to be reached by somebody.
                code.Move(R0, 0).JumpIf(BpfTest.Equal, R0, 0, otherwise);
                break;
        }
    }

    /// <summary>The place is X plus a constant, as 32 bits; what lies across the border of a tag is not read.</summary>
    private void FetchAtX(int at, BpfSize size)
    {
        code.Alu32(BpfAlu.Move, R5, X).Alu32(BpfAlu.Add, R5, at).JumpIf(BpfTest.Above, R5, ClassicCheck.Farthest, otherwise);
        if (isTagged)
        {
            string behind = $"{_prefix} behind {_labels}";
            string read = $"{_prefix} read {_labels++}";
            code.JumpIf(BpfTest.AtLeast, R5, VlanTag.End, behind)
                .JumpIf(BpfTest.Above, R5, VlanTag.Place - size.Bytes(), otherwise)
                .Jump(read)
                .Label(behind)
                .Alu(BpfAlu.Subtract, R5, VlanTag.Bytes)
                .Label(read);
        }
        frame.LoadAtR5(code, A, size, otherwise);
    }

    private void Compute(sock_filter one)
    {
        byte operation = (byte)(one.code & 0xf0);
        bool byX = (one.code & BPF_X) != 0;
        if (operation == BPF_NEG)
            code.Negate(A).Alu32(BpfAlu.Move, A, A);
        else if (byX && operation is LinuxFilter.BPF_DIV or LinuxFilter.BPF_MOD)
            code.JumpIf32(BpfTest.Equal, X, 0, otherwise).Alu32((BpfAlu)operation, A, X);
        else if (byX)
            code.Alu32((BpfAlu)operation, A, X);
        else
            code.Alu32((BpfAlu)operation, A, (int)one.k);
    }

    private void Jump(sock_filter one, int at)
    {
        if ((one.code & 0xf0) == BPF_JA)
        {
            code.Jump(Label(at + 1 + (int)one.k));
            return;
        }
        BpfTest test = (BpfTest)(one.code & 0xf0);
        string then = Label(at + 1 + one.jt);
        _ = (one.code & BPF_X) != 0 ? code.JumpIf32(test, A, X, then) : code.JumpIf32(test, A, (int)one.k, then);
        if (one.jf != 0)
            code.Jump(Label(at + 1 + one.jf));
    }

    private void Return(sock_filter one)
    {
        if ((one.code & 0x18) == BPF_A)
            code.JumpIf32(BpfTest.Equal, A, 0, otherwise).Jump(match);
        else
            code.Jump(one.k != 0 ? match : otherwise);
    }

    private static int Cell(uint index) => Scratch - (4 * ((int)index + 1));
}
