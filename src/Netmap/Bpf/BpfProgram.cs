using System.Text;
using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>A program in the kernel, held by a descriptor.</summary>
internal sealed unsafe class BpfProgram : IDisposable
{
    /// <summary>What to do about EPERM.</summary>
    public const string NoPrivilege = "eBPF is refused to this user; run as root, or with CAP_BPF and CAP_NET_ADMIN";

    private const int LogBytes = 1 << 20;

    private readonly SafeDescriptor _program;

    private BpfProgram(SafeDescriptor program) => _program = program;

    public int Descriptor => _program.Fd;

    /// <summary>The kernel's number of the program, as `bpftool prog` shows it; 0 if it does not tell.</summary>
    public uint Id => BpfProgramInfo.TryAsk(Descriptor, out BpfProgramInfo info) ? info.Id : 0;

    /// <summary>Loads a program.</summary>
    /// <param name="type">BPF_PROG_TYPE_*: SCHED_CLS sees frames in traffic control, XDP in the driver.</param>
    /// <param name="instructions">From <see cref="BpfAssembler"/>.</param>
    /// <param name="error">EPERM without privilege, EINVAL or EACCES when the verifier refuses.</param>
    /// <param name="name">As `bpftool prog` shows it, at most 15 characters.</param>
    /// <param name="flags">BPF_F_*.</param>
    /// <param name="boundTo">With BPF_F_XDP_DEV_BOUND_ONLY: the only interface it may be attached to.</param>
    /// <returns>The program, or null and <paramref name="error"/>.</returns>
    public static BpfProgram? TryLoad(int type, ReadOnlySpan<bpf_insn> instructions, out Errno error, string name = "netmap", uint flags = 0,
        int boundTo = 0) => TryLoad(type, instructions, name, flags, boundTo, [], out error);

    /// <summary>As <see cref="TryLoad(int, ReadOnlySpan{bpf_insn}, out Errno, string, uint, int)"/>.</summary>
    /// <exception cref="NetmapException">EPERM with what to do; else with the verifier's last words.</exception>
    public static BpfProgram Load(int type, ReadOnlySpan<bpf_insn> instructions, string name, string? port, uint flags = 0)
    {
        if (TryLoad(type, instructions, out Errno error, name, flags) is { } program)
            return program;
        if (error == Errno.EPERM)
            throw new NetmapException(error, "load eBPF program", port, NoPrivilege);
        // Again, now with a log: it costs the kernel time, so only here.
        byte[] log = GC.AllocateUninitializedArray<byte>(LogBytes);
        log[0] = 0;
        return TryLoad(type, instructions, name, flags, 0, log, out error)
            ?? throw new NetmapException(error, "load eBPF program", port, $"the verifier refused {name}: {LastWords(log)}");
    }

    public void Dispose() => _program.Dispose();

    private static BpfProgram? TryLoad(int type, ReadOnlySpan<bpf_insn> instructions, string name, uint flags, int boundTo,
        Span<byte> log, out Errno error)
    {
        // The licence matters only to programs that call GPL helpers, those that read kernel memory to trace, or functions of
        // the kernel itself.
        ReadOnlySpan<byte> license = type == LinuxBpf.BPF_PROG_TYPE_RAW_TRACEPOINT || CallsKernel(instructions) ? "Dual BSD/GPL\0"u8 : "BSD-2-Clause\0"u8;
        fixed (bpf_insn* code = instructions)
        fixed (byte* text = license)
        fixed (byte* words = log)
        {
            bpf_attr_prog_load load = new()
            {
                prog_type = (uint)type,
                insn_cnt = (uint)instructions.Length,
                insns = (ulong)code,
                license = (ulong)text,
                log_level = log.IsEmpty ? 0u : 1,
                log_size = (uint)log.Length,
                log_buf = (ulong)words,
                prog_flags = flags,
                prog_ifindex = (uint)boundTo,
            };
            Encoding.ASCII.GetBytes(name, new Span<byte>(load.prog_name, 15));
            SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_PROG_LOAD, &load, (uint)sizeof(bpf_attr_prog_load));
            error = fd.Errno;
            return fd.IsError ? null : new(new SafeDescriptor(fd.Int32));
        }
    }

    private static bool CallsKernel(ReadOnlySpan<bpf_insn> instructions)
    {
        foreach (ref readonly bpf_insn one in instructions)
        {
            if (one.code == (LinuxBpf.BPF_JMP | LinuxBpf.BPF_CALL) && one.regs >> 4 == LinuxBpf.BPF_PSEUDO_KFUNC_CALL)
                return true;
        }
        return false;
    }

    /// <summary>The instruction the verifier stopped at and why: its last lines but the statistics, on one line.</summary>
    private static string LastWords(byte[] log)
    {
        int end = Array.IndexOf(log, (byte)0);
        string[] lines = [.. Encoding.UTF8.GetString(log, 0, end < 0 ? log.Length : end)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => !line.StartsWith("processed ", StringComparison.Ordinal) && !line.StartsWith("verification time", StringComparison.Ordinal))];
        return lines.Length == 0 ? "without a word" : string.Join("; ", lines.TakeLast(3));
    }
}
