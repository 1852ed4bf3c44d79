using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>
/// Assembles eBPF programs, without compiler or library: one method an instruction, jumps to labels by name, helpers and
/// maps by reference. Source: the kernel's Documentation/bpf/standardization/instruction-set.rst.
/// </summary>
internal sealed class BpfAssembler
{
    private readonly List<bpf_insn> _instructions = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<(int At, string Label)> _jumps = [];

    /// <summary>The program, its jumps resolved.</summary>
    /// <exception cref="InvalidOperationException">A jump to a label that is nowhere: a mistake in the program's source.</exception>
    public bpf_insn[] Instructions
    {
        get
        {
            bpf_insn[] program = [.. _instructions];
            foreach ((int at, string label) in _jumps)
            {
                if (!_labels.TryGetValue(label, out int target))
                    throw new InvalidOperationException($"no label {label}");
                program[at].off = checked((short)(target - at - 1));
            }
            return program;
        }
    }

    /// <summary>Instructions so far; a 64-bit immediate counts as two.</summary>
    public int Count => _instructions.Count;

    /// <summary>Names the place of the next instruction.</summary>
    public BpfAssembler Label(string name)
    {
        if (!_labels.TryAdd(name, _instructions.Count))
            throw new InvalidOperationException($"label {name} is there twice");
        return this;
    }

    /// <summary>to = value, sign-extended to 64 bits.</summary>
    public BpfAssembler Move(BpfRegister to, int value) => Alu(BpfAlu.Move, to, value);

    /// <summary>to = from.</summary>
    public BpfAssembler Move(BpfRegister to, BpfRegister from) => Alu(BpfAlu.Move, to, from);

    /// <summary>to = value, all 64 bits of it.</summary>
    public BpfAssembler Move64(BpfRegister to, ulong value) => Wide(to, 0, (int)value, (int)(value >> 32));

    /// <summary>to = the map, as helpers take it.</summary>
    public BpfAssembler LoadMap(BpfRegister to, BpfMap map) => Wide(to, LinuxBpf.BPF_PSEUDO_MAP_FD, map.Descriptor, 0);

    /// <summary>to = address of byte <paramref name="offset"/> of the only value of an array map: no lookup, no null check.</summary>
    public BpfAssembler LoadMapValue(BpfRegister to, BpfMap map, int offset = 0) =>
        LoadMapValue(to, map.Descriptor, offset);

    /// <inheritdoc cref="LoadMapValue(BpfRegister, BpfMap, int)"/>
    public BpfAssembler LoadMapValue(BpfRegister to, int mapDescriptor, int offset = 0) =>
        Wide(to, LinuxBpf.BPF_PSEUDO_MAP_VALUE, mapDescriptor, offset);

    /// <summary>to = to operation value, 64 bits.</summary>
    public BpfAssembler Alu(BpfAlu operation, BpfRegister to, int value) =>
        Add(LinuxBpf.BPF_ALU64 | LinuxBpf.BPF_K | (int)operation, to, 0, 0, value);

    /// <summary>to = to operation from, 64 bits.</summary>
    public BpfAssembler Alu(BpfAlu operation, BpfRegister to, BpfRegister from) =>
        Add(LinuxBpf.BPF_ALU64 | LinuxBpf.BPF_X | (int)operation, to, from, 0, 0);

    /// <summary>As <see cref="Alu(BpfAlu, BpfRegister, int)"/> on the lower 32 bits; the upper ones become 0.</summary>
    public BpfAssembler Alu32(BpfAlu operation, BpfRegister to, int value) =>
        Add(LinuxBpf.BPF_ALU | LinuxBpf.BPF_K | (int)operation, to, 0, 0, value);

    /// <inheritdoc cref="Alu32(BpfAlu, BpfRegister, int)"/>
    public BpfAssembler Alu32(BpfAlu operation, BpfRegister to, BpfRegister from) =>
        Add(LinuxBpf.BPF_ALU | LinuxBpf.BPF_X | (int)operation, to, from, 0, 0);

    /// <summary>to = -to.</summary>
    public BpfAssembler Negate(BpfRegister to) => Add(LinuxBpf.BPF_ALU64 | LinuxBpf.BPF_NEG, to, 0, 0, 0);

    /// <summary>Between host and network byte order: the lower 16, 32 or 64 bits; the others become 0.</summary>
    public BpfAssembler BigEndian(BpfRegister to, int bits) =>
        Add(LinuxBpf.BPF_ALU | LinuxBpf.BPF_END | LinuxBpf.BPF_TO_BE, to, 0, 0, bits);

    /// <summary>to = memory at base + offset, zero-extended.</summary>
    public BpfAssembler Load(BpfSize size, BpfRegister to, BpfRegister from, int offset) =>
        Add(LinuxBpf.BPF_LDX | LinuxBpf.BPF_MEM | (int)size, to, from, offset, 0);

    /// <summary>Memory at base + offset = from.</summary>
    public BpfAssembler Store(BpfSize size, BpfRegister to, int offset, BpfRegister from) =>
        Add(LinuxBpf.BPF_STX | LinuxBpf.BPF_MEM | (int)size, to, from, offset, 0);

    /// <summary>Memory at base + offset = value.</summary>
    public BpfAssembler Store(BpfSize size, BpfRegister to, int offset, int value) =>
        Add(LinuxBpf.BPF_ST | LinuxBpf.BPF_MEM | (int)size, to, 0, offset, value);

    /// <summary>An atomic operation of a register on memory at base + offset; <paramref name="size"/> is Word or Double.</summary>
    public BpfAssembler Atomic(BpfAtomic operation, BpfSize size, BpfRegister to, int offset, BpfRegister from) =>
        Add(LinuxBpf.BPF_STX | LinuxBpf.BPF_ATOMIC | (int)size, to, from, offset, (int)operation);

    public BpfAssembler Jump(string label) => To(label, LinuxBpf.BPF_JMP | LinuxBpf.BPF_JA, 0, 0, 0);

    /// <summary>Jumps if left test value, on 64 bits; the value is sign-extended.</summary>
    public BpfAssembler JumpIf(BpfTest test, BpfRegister left, int value, string label) =>
        To(label, LinuxBpf.BPF_JMP | LinuxBpf.BPF_K | (int)test, left, 0, value);

    /// <summary>Jumps if left test right, on 64 bits.</summary>
    public BpfAssembler JumpIf(BpfTest test, BpfRegister left, BpfRegister right, string label) =>
        To(label, LinuxBpf.BPF_JMP | LinuxBpf.BPF_X | (int)test, left, right, 0);

    /// <summary>Jumps if left test value, on the lower 32 bits.</summary>
    public BpfAssembler JumpIf32(BpfTest test, BpfRegister left, int value, string label) =>
        To(label, LinuxBpf.BPF_JMP32 | LinuxBpf.BPF_K | (int)test, left, 0, value);

    /// <inheritdoc cref="JumpIf32(BpfTest, BpfRegister, int, string)"/>
    public BpfAssembler JumpIf32(BpfTest test, BpfRegister left, BpfRegister right, string label) =>
        To(label, LinuxBpf.BPF_JMP32 | LinuxBpf.BPF_X | (int)test, left, right, 0);

    /// <summary>Calls a helper: arguments in R1–R5, which are lost, result in R0.</summary>
    public BpfAssembler Call(BpfFunc helper) => Add(LinuxBpf.BPF_JMP | LinuxBpf.BPF_CALL, 0, 0, 0, (int)helper);

    /// <summary>Calls a function of the kernel by its id, from <see cref="KernelTypes"/>; only for programs whose licence the GPL allows.</summary>
    public BpfAssembler CallKernel(int function) =>
        Add(LinuxBpf.BPF_JMP | LinuxBpf.BPF_CALL, 0, (BpfRegister)LinuxBpf.BPF_PSEUDO_KFUNC_CALL, 0, function);

    /// <summary>Ends the program with the verdict in R0.</summary>
    public BpfAssembler Exit() => Add(LinuxBpf.BPF_JMP | LinuxBpf.BPF_EXIT, 0, 0, 0, 0);

    /// <summary>Ends the program with this verdict.</summary>
    public BpfAssembler Exit(int verdict) => Move(BpfRegister.R0, verdict).Exit();

    private BpfAssembler To(string label, int code, BpfRegister left, BpfRegister right, int value)
    {
        _jumps.Add((_instructions.Count, label));
        return Add(code, left, right, 0, value);
    }

    /// <summary>The one instruction of 16 bytes: a 64-bit immediate, or a reference to a map and an offset in its value.</summary>
    private BpfAssembler Wide(BpfRegister to, byte kind, int low, int high) =>
        Add(LinuxBpf.BPF_LD | LinuxBpf.BPF_DW | LinuxBpf.BPF_IMM, to, (BpfRegister)kind, 0, low).Add(0, 0, 0, 0, high);

    private BpfAssembler Add(int code, BpfRegister to, BpfRegister from, int offset, int immediate)
    {
        _instructions.Add(new()
        {
            code = (byte)code,
            regs = (byte)((byte)to | ((byte)from << 4)),
            off = checked((short)offset),
            imm = immediate,
        });
        return this;
    }
}
