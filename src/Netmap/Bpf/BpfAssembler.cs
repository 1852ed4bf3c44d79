using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>Registers of the eBPF machine.</summary>
internal enum BpfRegister : byte
{
    R0,
    R1,
    R2,
    R3,
}

/// <summary>
/// Assembles the few eBPF instructions this project needs, without compiler or library. Jumps go forward over a number of
/// instructions. Source: the kernel's Documentation/bpf/standardization/instruction-set.rst.
/// </summary>
internal sealed class BpfAssembler
{
    private readonly List<bpf_insn> _instructions = [];

    public bpf_insn[] Instructions => [.. _instructions];

    /// <summary>r = value.</summary>
    public BpfAssembler Move(BpfRegister to, int value) => Alu(LinuxBpf.BPF_MOV, to, value);

    /// <summary>r = the 32 bits at base + offset.</summary>
    public BpfAssembler LoadWord(BpfRegister to, BpfRegister from, int offset) =>
        Add(LinuxBpf.BPF_LDX | LinuxBpf.BPF_MEM | LinuxBpf.BPF_W, to, from, (short)offset, 0);

    public BpfAssembler Subtract(BpfRegister to, int value) => Alu(LinuxBpf.BPF_SUB, to, value);

    public BpfAssembler Modulo(BpfRegister to, int value) => Alu(LinuxBpf.BPF_MOD, to, value);

    /// <summary>Skips <paramref name="instructions"/> if r == value.</summary>
    public BpfAssembler SkipIfEqual(BpfRegister register, int value, int instructions) =>
        Add((byte)(LinuxBpf.BPF_JMP | LinuxBpf.BPF_JEQ | LinuxBpf.BPF_K), register, 0, (short)instructions, value);

    /// <summary>Skips <paramref name="instructions"/> if r != value.</summary>
    public BpfAssembler SkipIfNotEqual(BpfRegister register, int value, int instructions) =>
        Add((byte)(LinuxBpf.BPF_JMP | LinuxBpf.BPF_JNE | LinuxBpf.BPF_K), register, 0, (short)instructions, value);

    public BpfAssembler Exit() => Add((byte)(LinuxBpf.BPF_JMP | LinuxBpf.BPF_EXIT), 0, 0, 0, 0);

    private BpfAssembler Alu(byte operation, BpfRegister to, int value) =>
        Add((byte)(LinuxBpf.BPF_ALU64 | operation | LinuxBpf.BPF_K), to, 0, 0, value);

    private BpfAssembler Add(int code, BpfRegister to, BpfRegister from, short offset, int immediate)
    {
        _instructions.Add(new()
        {
            code = (byte)code,
            regs = (byte)((byte)to | ((byte)from << 4)),
            off = offset,
            imm = immediate,
        });
        return this;
    }
}
