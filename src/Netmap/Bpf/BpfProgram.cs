using System.Text;
using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>A program in the kernel, held by a descriptor.</summary>
internal sealed unsafe class BpfProgram : IDisposable
{
    private readonly SafeDescriptor _program;

    private BpfProgram(SafeDescriptor program) => _program = program;

    public int Descriptor => _program.Fd;

    /// <summary>Loads a program.</summary>
    /// <param name="type">BPF_PROG_TYPE_*: SCHED_CLS sees frames in traffic control, XDP in the driver.</param>
    /// <param name="instructions">From <see cref="BpfAssembler"/>.</param>
    /// <param name="error">EPERM without privilege, EINVAL or EACCES when the verifier refuses.</param>
    /// <returns>The program, or null and <paramref name="error"/>.</returns>
    public static BpfProgram? TryLoad(int type, ReadOnlySpan<bpf_insn> instructions, out Errno error)
    {
        // The licence matters only to programs that call GPL helpers; these call none.
        ReadOnlySpan<byte> license = "BSD-2-Clause\0"u8;
        fixed (bpf_insn* code = instructions)
        fixed (byte* text = license)
        {
            bpf_attr_prog_load load = new()
            {
                prog_type = (uint)type,
                insn_cnt = (uint)instructions.Length,
                insns = (ulong)code,
                license = (ulong)text,
            };
            Encoding.ASCII.GetBytes("netmap", new Span<byte>(load.prog_name, 15));
            SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_PROG_LOAD, &load, (uint)sizeof(bpf_attr_prog_load));
            error = fd.Errno;
            return fd.IsError ? null : new(new SafeDescriptor(fd.Int32));
        }
    }

    public void Dispose() => _program.Dispose();
}
