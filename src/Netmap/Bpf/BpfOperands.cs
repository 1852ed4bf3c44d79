using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>
/// Registers of the eBPF machine: R0 holds results, R1–R5 arguments (lost at a call), R6–R9 survive calls, R10 is the
/// frame pointer over 512 bytes of stack, at negative offsets.
/// </summary>
internal enum BpfRegister : byte
{
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// <summary>How many bytes a load or store moves.</summary>
internal enum BpfSize : byte
{
    Byte = LinuxBpf.BPF_B,
    Half = LinuxBpf.BPF_H,
    Word = LinuxBpf.BPF_W,
    Double = LinuxBpf.BPF_DW,
}

/// <summary>Sizes as numbers.</summary>
internal static class BpfSizes
{
    public static int Bytes(this BpfSize size) => size switch
    {
        BpfSize.Byte => 1,
        BpfSize.Half => 2,
        BpfSize.Word => 4,
        _ => 8,
    };
}

/// <summary>Arithmetic; division and modulo are unsigned, and by zero give 0 and the dividend.</summary>
internal enum BpfAlu : byte
{
    Add = LinuxBpf.BPF_ADD,
    Subtract = LinuxBpf.BPF_SUB,
    Multiply = LinuxBpf.BPF_MUL,
    Divide = LinuxBpf.BPF_DIV,
    Or = LinuxBpf.BPF_OR,
    And = LinuxBpf.BPF_AND,
    ShiftLeft = LinuxBpf.BPF_LSH,
    ShiftRight = LinuxBpf.BPF_RSH,
    Modulo = LinuxBpf.BPF_MOD,
    Xor = LinuxBpf.BPF_XOR,
    Move = LinuxBpf.BPF_MOV,
    ShiftRightSigned = LinuxBpf.BPF_ARSH,
}

/// <summary>When a jump is taken: left operand against right one, unsigned unless it says otherwise.</summary>
internal enum BpfTest : byte
{
    Equal = LinuxBpf.BPF_JEQ,
    NotEqual = LinuxBpf.BPF_JNE,
    Above = LinuxBpf.BPF_JGT,
    AtLeast = LinuxBpf.BPF_JGE,
    Below = LinuxBpf.BPF_JLT,
    AtMost = LinuxBpf.BPF_JLE,

    /// <summary>Left AND right is not 0.</summary>
    AnyBit = LinuxBpf.BPF_JSET,
    AboveSigned = LinuxBpf.BPF_JSGT,
    AtLeastSigned = LinuxBpf.BPF_JSGE,
    BelowSigned = LinuxBpf.BPF_JSLT,
    AtMostSigned = LinuxBpf.BPF_JSLE,
}

/// <summary>Atomic operations on memory, all of them full barriers but for the plain ones without a result.</summary>
internal enum BpfAtomic : byte
{
    Add = LinuxBpf.BPF_ADD,
    Or = LinuxBpf.BPF_OR,
    And = LinuxBpf.BPF_AND,
    Xor = LinuxBpf.BPF_XOR,

    /// <summary>The register gets what the memory held before.</summary>
    FetchAdd = LinuxBpf.BPF_ADD | LinuxBpf.BPF_FETCH,
    FetchOr = LinuxBpf.BPF_OR | LinuxBpf.BPF_FETCH,
    FetchAnd = LinuxBpf.BPF_AND | LinuxBpf.BPF_FETCH,
    Exchange = LinuxBpf.BPF_XCHG,

    /// <summary>Stores the register if the memory equals R0; R0 gets what the memory held before.</summary>
    CompareExchange = LinuxBpf.BPF_CMPXCHG,
}
