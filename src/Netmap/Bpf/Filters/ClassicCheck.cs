using System.Globalization;
using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Bpf.Filters;

/// <summary>
/// Whether instructions are a filter: what the kernel asks of one (bpf_check_classic), and that it looks at nothing but the
/// frame. They may come from anybody.
/// </summary>
internal static class ClassicCheck
{
    /// <summary>Instructions of a filter at most, so that its translations fit the kernel's limits.</summary>
    public const int MostInstructions = 900;

    /// <summary>How far into a frame a filter may look, in bytes.</summary>
    public const int Farthest = 16 * 1024;

    private static readonly HashSet<int> s_codes = [.. Codes()];

    /// <summary>Null for a filter, else the reason, in words.</summary>
    /// <param name="code">The instructions.</param>
    /// <param name="reached">Which of them a frame may come to.</param>
    public static string? Refuses(ReadOnlySpan<sock_filter> code, out bool[] reached)
    {
        reached = new bool[code.Length];
        if (code.Length is 0 or > MostInstructions)
            return $"a filter has 1 to {MostInstructions} instructions, not {code.Length}";
        // Words of scratch memory that are written on every way to an instruction, a bit each.
        ushort[] written = new ushort[code.Length];
        Array.Fill(written, ushort.MaxValue);
        (reached[0], written[0]) = (true, 0);
        for (int i = 0; i < code.Length; i++)
        {
            string? reason = Instruction(code[i]) ?? Flow(code, i, reached, written);
            if (reason is not null)
                return $"instruction {i}: {reason}";
        }
        return (code[^1].code & 0x07) != BPF_RET ? "it does not end with a verdict"
            : ScratchWords(code) == ushort.MaxValue ? "it uses all words of the scratch memory, and one is needed for VLAN tags"
            : null;
    }

    /// <summary>Words of scratch memory that it writes, a bit each.</summary>
    public static uint ScratchWords(ReadOnlySpan<sock_filter> code)
    {
        uint words = 0;
        foreach (sock_filter one in code)
        {
            if ((one.code & 0x07) is BPF_ST or BPF_STX)
                words |= 1u << (int)one.k;
        }
        return words;
    }

    private static string? Instruction(sock_filter one) => !s_codes.Contains(one.code)
        ? $"code 0x{one.code.ToString("x", CultureInfo.InvariantCulture)} is not known"
        : (one.code & 0x07, one.code & 0xf8) switch
        {
            (BPF_ALU, BPF_DIV or BPF_MOD) when one.k == 0 => "division by zero",
            (BPF_ALU, BPF_LSH or BPF_RSH) when one.k > 31 => "a shift by more than 31 bits",
            (BPF_LD or BPF_LDX, _) when (one.code & 0xe0) is BPF_ABS or BPF_IND or BPF_MSH && one.k > Farthest =>
                $"it looks {one.k} bytes into frames; {Farthest} is the farthest",
            _ when UsesScratch(one) && one.k >= BPF_MEMWORDS => "scratch memory has 16 words",
            _ => null,
        };

    /// <summary>Jumps go forward and stay inside; scratch memory is written before it is read.</summary>
    private static string? Flow(ReadOnlySpan<sock_filter> code, int at, bool[] reached, ushort[] written)
    {
        sock_filter one = code[at];
        ushort now = written[at];
        int kind = one.code & 0x07;
        if (UsesScratch(one))
        {
            if (kind is BPF_ST or BPF_STX)
                now |= (ushort)(1 << (int)one.k);
            else if ((now & (1 << (int)one.k)) == 0)
                return "it reads scratch memory before it writes it";
        }
        if (kind == BPF_RET)
        {
            // The kernel goes on behind a verdict as if it were none, and refuses what we would not.
            if (at + 1 < code.Length)
                written[at + 1] &= now;
            return null;
        }
        long[] targets = kind != BPF_JMP ? [at + 1] : (one.code & 0xf0) == BPF_JA ? [at + 1L + one.k] : [at + 1 + one.jt, at + 1 + one.jf];
        foreach (long target in targets)
        {
            if (target >= code.Length)
                return kind == BPF_JMP ? "it jumps out of the filter" : "the filter ends behind it, without a verdict";
            written[target] &= now;
            reached[target] |= reached[at];
        }
        return null;
    }

    private static bool UsesScratch(sock_filter one) => (one.code & 0x07) switch
    {
        BPF_ST or BPF_STX => true,
        BPF_LD or BPF_LDX => (one.code & 0xe0) == BPF_MEM,
        _ => false,
    };

    private static IEnumerable<int> Codes()
    {
        foreach (int size in (int[])[BPF_W, BPF_H, BPF_B])
        {
            yield return BPF_LD | BPF_ABS | size;
            yield return BPF_LD | BPF_IND | size;
        }
        foreach (int to in (int[])[BPF_LD, BPF_LDX])
        {
            yield return to | BPF_IMM;
            yield return to | BPF_MEM;
            yield return to | BPF_LEN;
        }
        yield return BPF_LDX | BPF_MSH | BPF_B;
        yield return BPF_ST;
        yield return BPF_STX;
        foreach (int by in (int[])[BPF_K, BPF_X])
        {
            foreach (int operation in (int[])[BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR])
                yield return BPF_ALU | operation | by;
            foreach (int test in (int[])[BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET])
                yield return BPF_JMP | test | by;
        }
        yield return BPF_ALU | BPF_NEG;
        yield return BPF_JMP | BPF_JA;
        yield return BPF_RET | BPF_K;
        yield return BPF_RET | BPF_A;
        yield return BPF_MISC | BPF_TAX;
        yield return BPF_MISC | BPF_TXA;
    }
}
