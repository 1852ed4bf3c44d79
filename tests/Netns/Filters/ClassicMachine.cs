using System.Buffers.Binary;
using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Tests.Netns.Filters;

/// <summary>
/// The classic machine, from its description (the kernel's Documentation/networking/filter.rst), as the measure for everything that
/// filters are translated to.
/// </summary>
internal sealed class ClassicMachine(sock_filter[] program)
{
    /// <summary>What the kernel knows beside the frame's bytes.</summary>
    public uint Mark { get; init; }

    /// <summary>Protocol in the upper half, priority and identifier in the lower one; null for no tag beside the frame.</summary>
    public uint? Tag { get; init; }

    /// <summary>The verdict on a frame: bytes to keep.</summary>
    public uint Run(ReadOnlySpan<byte> frame)
    {
        uint a = 0;
        uint x = 0;
        uint[] scratch = new uint[BPF_MEMWORDS];
        for (int pc = 0; ; pc++)
        {
            sock_filter one = program[pc];
            bool byX = (one.code & BPF_X) != 0;
            switch (one.code & 0x07)
            {
                case BPF_LD or BPF_LDX:
                    if (!TryLoad(one, frame, x, scratch, out uint value))
                        return 0;
                    if ((one.code & 0x07) == BPF_LD)
                        a = value;
                    else
                        x = value;
                    break;
                case BPF_ST:
                    scratch[one.k] = a;
                    break;
                case BPF_STX:
                    scratch[one.k] = x;
                    break;
                case BPF_ALU:
                    uint by = byX ? x : one.k;
                    if ((one.code & 0xf0) is BPF_DIV or BPF_MOD && by == 0)
                        return 0;
                    a = Compute(one.code & 0xf0, a, by);
                    break;
                case BPF_JMP when (one.code & 0xf0) == BPF_JA:
                    pc += (int)one.k;
                    break;
                case BPF_JMP:
                    pc += Holds(one.code & 0xf0, a, byX ? x : one.k) ? one.jt : one.jf;
                    break;
                case BPF_RET:
                    return (one.code & 0x18) == BPF_A ? a : one.k;
                default:
                    (a, x) = (one.code & 0xf8) == BPF_TXA ? (x, x) : (a, a);
                    break;
            }
        }
    }

    private static uint Compute(int operation, uint a, uint by) => operation switch
    {
        BPF_ADD => a + by,
        BPF_SUB => a - by,
        BPF_MUL => a * by,
        BPF_DIV => a / by,
        BPF_MOD => a % by,
        BPF_OR => a | by,
        BPF_AND => a & by,
        BPF_XOR => a ^ by,
        BPF_LSH => a << (int)(by & 31),
        BPF_RSH => a >> (int)(by & 31),
        _ => unchecked(0 - a),
    };

    private static bool Holds(int test, uint a, uint by) => test switch
    {
        BPF_JEQ => a == by,
        BPF_JGT => a > by,
        BPF_JGE => a >= by,
        _ => (a & by) != 0,
    };

    private bool TryLoad(sock_filter one, ReadOnlySpan<byte> frame, uint x, uint[] scratch, out uint value)
    {
        (value, bool loaded) = (one.code & 0xe0) switch
        {
            BPF_IMM => (one.k, true),
            BPF_MEM => (scratch[one.k], true),
            BPF_LEN => ((uint)frame.Length, true),
            BPF_MSH => Fetch(frame, one.k, BPF_B) is (uint low, true) ? ((low & 0xf) * 4, true) : (0, false),
            BPF_IND => Fetch(frame, unchecked((int)(one.k + x)), one.code & 0x18),
            _ => unchecked((int)one.k) < 0 ? (Beside(unchecked((int)one.k) - SKF_AD_OFF), true) : Fetch(frame, one.k, one.code & 0x18),
        };
        return loaded;
    }

    private uint Beside(int what) => what switch
    {
        SKF_AD_MARK => Mark,
        SKF_AD_VLAN_TAG_PRESENT => Tag is null ? 0u : 1,
        SKF_AD_VLAN_TAG => Tag!.Value & 0xffff,
        SKF_AD_VLAN_TPID => Tag!.Value >> 16,
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };

    private static (uint Value, bool Loaded) Fetch(ReadOnlySpan<byte> frame, long at, int size)
    {
        int bytes = size == BPF_B ? 1 : size == BPF_H ? 2 : 4;
        if (at < 0 || at + bytes > frame.Length)
            return (0, false);
        ReadOnlySpan<byte> place = frame[(int)at..];
        return (bytes == 1 ? place[0] : bytes == 2 ? BinaryPrimitives.ReadUInt16BigEndian(place) : BinaryPrimitives.ReadUInt32BigEndian(place), true);
    }
}
