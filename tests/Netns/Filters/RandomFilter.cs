using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Tests.Netns.Filters;

/// <summary>Instructions that may be a filter: most are known codes, and jumps mostly stay inside.</summary>
internal static class RandomFilter
{
    private static readonly int[] s_codes =
    [
        BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS, BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_H | BPF_IND,
        BPF_LD | BPF_B | BPF_IND, BPF_LD | BPF_LEN, BPF_LD | BPF_IMM, BPF_LD | BPF_MEM, BPF_LDX | BPF_IMM, BPF_LDX | BPF_LEN, BPF_LDX | BPF_MEM,
        BPF_LDX | BPF_B | BPF_MSH, BPF_ST, BPF_STX, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_ALU | BPF_NEG,
    ];

    private static readonly int[] s_alu = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR];
    private static readonly int[] s_tests = [BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET];

    public static sock_filter[] Make(Random random)
    {
        sock_filter[] code = new sock_filter[random.Next(2, 40)];
        // A cell that is written is what makes later reads of it good.
        for (int i = 0; i < code.Length; i++)
            code[i] = i == 0 ? new(BPF_ST, 0, 0, 0) : i >= code.Length - 2 ? Verdict(random) : Instruction(random, code.Length - i - 2);
        return code;
    }

    private static sock_filter Verdict(Random random) => random.Next(3) == 0
        ? new(BPF_RET | BPF_A, 0, 0, 0)
        : new(BPF_RET | BPF_K, 0, 0, (uint)random.Next(2));

    private static sock_filter Instruction(Random random, int left)
    {
        int by = random.Next(2) == 0 ? BPF_K : BPF_X;
        switch (random.Next(10))
        {
            case < 5:
                int code = s_codes[random.Next(s_codes.Length)];
                bool isCell = code is BPF_ST or BPF_STX || (code & 0xe7) is (BPF_LD | BPF_MEM) or (BPF_LDX | BPF_MEM);
                return new(code, 0, 0, isCell ? (uint)random.Next(random.Next(8) == 0 ? 16 : 1) : (uint)random.Next(40));
            case < 7:
                return new(BPF_ALU | s_alu[random.Next(s_alu.Length)] | by, 0, 0, (uint)random.Next(1, 40));
            case 7:
                return random.Next(40) == 0 ? new(random.Next(256), (byte)random.Next(256), (byte)random.Next(256), (uint)random.Next()) : new(BPF_MISC | BPF_TAX, 0, 0, 0);
            default:
                return new(BPF_JMP | s_tests[random.Next(s_tests.Length)] | by, (byte)random.Next(left), (byte)random.Next(left), (uint)random.Next(256));
        }
    }
}
