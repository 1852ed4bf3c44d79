using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>
/// A program attached to an interface's tcx ingress hook. The kernel detaches it when the descriptor goes, so a killed
/// process leaves nothing behind. Packet sockets see a frame before this hook does.
/// </summary>
internal sealed unsafe class TcxLink : IDisposable
{
    private readonly SafeDescriptor _link;

    private TcxLink(SafeDescriptor link) => _link = link;

    /// <summary>Attaches, in the calling thread's network namespace.</summary>
    /// <returns>The link, or null and <paramref name="error"/>: EINVAL on kernels before 6.6, EPERM without privilege.</returns>
    public static TcxLink? TryAttach(int interfaceIndex, BpfProgram program, out Errno error)
    {
        bpf_attr_link_create create = new()
        {
            prog_fd = (uint)program.Descriptor,
            target_ifindex = (uint)interfaceIndex,
            attach_type = LinuxBpf.BPF_TCX_INGRESS,
        };
        SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_LINK_CREATE, &create, (uint)sizeof(bpf_attr_link_create));
        error = fd.Errno;
        return fd.IsError ? null : new(new SafeDescriptor(fd.Int32));
    }

    /// <summary>Puts another program in place of the present one, without a gap.</summary>
    public Errno Replace(BpfProgram program)
    {
        bpf_attr_link_update update = new() { link_fd = (uint)_link.Fd, new_prog_fd = (uint)program.Descriptor };
        return LinuxBpf.bpf(LinuxBpf.BPF_LINK_UPDATE, &update, (uint)sizeof(bpf_attr_link_update)).Errno;
    }

    public void Dispose() => _link.Dispose();
}
