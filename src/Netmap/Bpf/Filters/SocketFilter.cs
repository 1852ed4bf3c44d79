using System.Globalization;
using System.Numerics;
using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Bpf.Filters;

/// <summary>
/// What a packet socket lets through, in the classic instruction set: no privilege is needed for it. A filter means here what
/// it means in <see cref="FilterProgram"/>, instruction by instruction, so that a frame goes to the port or to the host and
/// never to both: the kernel's own filters leave out a VLAN tag that lies beside the frame, and see negative places.
/// </summary>
internal static class SocketFilter
{
    private const string Whole = "whole";
    private const string Nothing = "nothing";
    private const uint WholeFrame = uint.MaxValue;

    /// <summary>Lets nothing through.</summary>
    public static sock_filter[] None() => [new(BPF_RET | BPF_K, 0, 0, 0)];

    /// <summary>Lets through what matches, but no frame that is meant for the host.</summary>
    /// <param name="mark">Of frames on their way to the host; not 0.</param>
    /// <param name="filter">Null for everything.</param>
    /// <param name="port">For errors.</param>
    /// <exception cref="NetmapException">E2BIG the filter is too long.</exception>
    public static sock_filter[] Assemble(uint mark, FrameFilter? filter, string port)
    {
        ClassicAssembler code = new();
        code.Ancillary(SKF_AD_MARK).JumpIf(BPF_JEQ, mark, Nothing);
        if (filter is not null)
        {
            code.Ancillary(SKF_AD_VLAN_TAG_PRESENT).JumpIf(BPF_JEQ, 0, "plain");
            new Part(code, filter, isTagged: true).Append();
            code.Label("plain");
            new Part(code, filter, isTagged: false).Append();
        }
        sock_filter[] program = code.Label(Whole).Return(WholeFrame).Label(Nothing).Return(0).Instructions;
        return program.Length <= BPF_MAXINSNS ? program : throw new NetmapException(Errno.E2BIG, "filter", port, string.Create(CultureInfo.InvariantCulture,
            $"\"{filter!.Words}\": for a packet socket it takes {program.Length} instructions, and {BPF_MAXINSNS} are the most"));
    }

    /// <summary>The filter for tagged frames, or for others.</summary>
    private sealed class Part(ClassicAssembler code, FrameFilter filter, bool isTagged)
    {
        private readonly string _prefix = isTagged ? "tagged" : "plain";
        private readonly uint _spare = (uint)BitOperations.TrailingZeroCount(~ClassicCheck.ScratchWords(filter.Instructions));
        private int _labels;

        public void Append()
        {
            // A filter may begin with what A holds at first.
            code.Add(BPF_LD | BPF_IMM);
            for (int i = 0; i < filter.Instructions.Length; i++)
            {
                code.Label(Label(i));
                Translate(filter.Instructions[i], i);
            }
        }

        private string Label(int at) => $"{_prefix} {at}";

        private void Translate(sock_filter one, int at)
        {
            int kind = one.code & 0x07;
            int mode = one.code & 0xe0;
            if (kind is BPF_LD or BPF_LDX && mode is BPF_ABS or BPF_MSH)
                Fetch(one);
            else if (kind == BPF_LD && mode == BPF_IND)
                FetchAtX(one);
            else if (kind is BPF_LD or BPF_LDX && mode == BPF_LEN)
                Length(one);
            else if (kind == BPF_JMP && (one.code & 0xf0) == BPF_JA)
                code.Jump(Label(at + 1 + (int)one.k));
            else if (kind == BPF_JMP)
                code.JumpIf(one.code & 0xf8, one.k, Label(at + 1 + one.jt), Label(at + 1 + one.jf));
            else if (kind == BPF_RET && (one.code & 0x18) == BPF_A)
                code.JumpIf(BPF_JEQ, 0, Nothing, Whole);
            else if (kind == BPF_RET)
                code.Jump(one.k != 0 ? Whole : Nothing);
            else
                code.Add(one.code, one.k);
        }

        private void Fetch(sock_filter one)
        {
            BpfSize size = (BpfSize)(one.code & 0x18);
            int at = (int)one.k;
            TagOverlap overlap = isTagged ? VlanTag.Overlap(at, size) : TagOverlap.Before;
            if (overlap is TagOverlap.Before or TagOverlap.Behind)
                code.Add(one.code, overlap == TagOverlap.Behind ? one.k - VlanTag.Bytes : one.k);
            else if ((one.code & 0x07) == BPF_LDX)
                TagToX(at);
            else
                TagToA(at, size, overlap);
        }

        private void TagToA(int at, BpfSize size, TagOverlap overlap)
        {
            if (overlap == TagOverlap.Part)
                PartToA(at, size);
            else if (overlap == TagOverlap.Halves)
            {
                // A word of two halves is put together by way of X, which keeps what it holds.
                code.Add(BPF_STX, _spare);
                HalfToA(at);
                code.Add(BPF_ALU | BPF_LSH | BPF_K, 16).Add(BPF_MISC | BPF_TAX);
                HalfToA(at + 2);
                code.Add(BPF_ALU | BPF_OR | BPF_X).Add(BPF_LDX | BPF_MEM, _spare);
            }
            else
                code.Jump(Nothing);
        }

        private void HalfToA(int at)
        {
            if (VlanTag.Overlap(at, BpfSize.Half) == TagOverlap.Part)
                PartToA(at, BpfSize.Half);
            else
                code.Add(BPF_LD | BPF_H | BPF_ABS, (uint)(at >= VlanTag.End ? at - VlanTag.Bytes : at));
        }

        private void PartToA(int at, BpfSize size)
        {
            code.Ancillary(at < VlanTag.Identifier ? SKF_AD_VLAN_TPID : SKF_AD_VLAN_TAG);
            if (size == BpfSize.Byte && (at & 1) == 0)
                code.Add(BPF_ALU | BPF_RSH | BPF_K, 8);
            else if (size == BpfSize.Byte)
                code.Add(BPF_ALU | BPF_AND | BPF_K, 0xff);
        }

        /// <summary>Four times the lower half of a byte of the tag; A keeps what it holds.</summary>
        private void TagToX(int at)
        {
            code.Add(BPF_ST, _spare);
            PartToA(at, BpfSize.Byte);
            code.Add(BPF_ALU | BPF_AND | BPF_K, 0xf).Add(BPF_ALU | BPF_LSH | BPF_K, 2).Add(BPF_MISC | BPF_TAX)
                .Add(BPF_LD | BPF_MEM, _spare);
        }

        /// <summary>The place is X plus a constant, as 32 bits; the load overwrites A anyway.</summary>
        private void FetchAtX(sock_filter one)
        {
            string read = $"{_prefix} read {_labels++}";
            code.Add(BPF_MISC | BPF_TXA).Add(BPF_ALU | BPF_ADD | BPF_K, one.k).JumpIf(BPF_JGT, ClassicCheck.Farthest, Nothing);
            if (isTagged)
            {
                string before = $"{read} before";
                code.JumpIf(BPF_JGE, VlanTag.End, $"{read} behind", before)
                    .Label(before)
                    .JumpIf(BPF_JGT, (uint)(VlanTag.Place - ((BpfSize)(one.code & 0x18)).Bytes()), Nothing)
                    .Add(one.code, one.k)
                    .Jump(read)
                    .Label($"{read} behind")
                    .Add(one.code, one.k - VlanTag.Bytes)
                    .Label(read);
            }
            else
                code.Add(one.code, one.k);
        }

        private void Length(sock_filter one)
        {
            if (!isTagged)
                code.Add(one.code);
            else if ((one.code & 0x07) == BPF_LD)
                code.Add(one.code).Add(BPF_ALU | BPF_ADD | BPF_K, VlanTag.Bytes);
            else
                code.Add(BPF_ST, _spare).Add(BPF_LD | BPF_LEN).Add(BPF_ALU | BPF_ADD | BPF_K, VlanTag.Bytes).Add(BPF_MISC | BPF_TAX)
                    .Add(BPF_LD | BPF_MEM, _spare);
        }
    }
}
