using System.Text;
using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>A program that runs at a place of the kernel (raw tracepoint), gone with its descriptor.</summary>
internal sealed unsafe class BpfTracepoint : IDisposable
{
    private readonly SafeDescriptor _link;
    private readonly string _name;

    private BpfTracepoint(SafeDescriptor link, string name) => (_link, _name) = (link, name);

    /// <summary>Attaches a BPF_PROG_TYPE_RAW_TRACEPOINT program, whose context is an array of the tracepoint's arguments.</summary>
    /// <param name="name">The tracepoint.</param>
    /// <param name="program">The program.</param>
    /// <param name="error">ENOENT no such tracepoint, EPERM no CAP_PERFMON.</param>
    public static BpfTracepoint? TryAttach(string name, BpfProgram program, out Errno error)
    {
        fixed (byte* text = Encoding.ASCII.GetBytes(name + "\0"))
        {
            bpf_attr_raw_tracepoint open = new() { name = (ulong)text, prog_fd = (uint)program.Descriptor };
            SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_RAW_TRACEPOINT_OPEN, &open, (uint)sizeof(bpf_attr_raw_tracepoint));
            error = fd.Errno;
            return fd.IsError ? null : new(new SafeDescriptor(fd.Int32), name);
        }
    }

    /// <inheritdoc cref="BpfLink.Describe(int, string)"/>
    public PortProgram Describe() => BpfLink.Describe(_link.Fd, $"tracepoint {_name}");

    public void Dispose() => _link.Dispose();
}
