using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>
/// A program attached to a hook of an interface. The kernel detaches it when the descriptor goes, so a killed process
/// leaves nothing behind. Packet sockets see a frame before the tcx ingress hook does, and after the XDP hook.
/// </summary>
internal sealed unsafe class BpfLink : IDisposable
{
    private readonly SafeDescriptor _link;
    private readonly string _hook;

    private BpfLink(SafeDescriptor link, string hook) => (_link, _hook) = (link, hook);

    /// <summary>Attaches, in the calling thread's network namespace.</summary>
    /// <param name="hook">BPF_TCX_INGRESS, BPF_TCX_EGRESS or BPF_XDP.</param>
    /// <param name="interfaceIndex">The interface.</param>
    /// <param name="program">A program of the hook's type.</param>
    /// <param name="error">
    /// EINVAL the kernel has no such hook; EPERM no privilege; EBUSY the hook is taken; EOPNOTSUPP the driver has no XDP.
    /// </param>
    /// <param name="flags">For BPF_XDP: XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE.</param>
    /// <returns>The link, or null and <paramref name="error"/>.</returns>
    public static BpfLink? TryAttach(int hook, int interfaceIndex, BpfProgram program, out Errno error, uint flags = 0)
    {
        bpf_attr_link_create create = new()
        {
            prog_fd = (uint)program.Descriptor,
            target_ifindex = (uint)interfaceIndex,
            attach_type = (uint)hook,
            // First in the hook's chain: a program before us that says PASS would hand frames to the host. XDP has no chain.
            flags = hook == LinuxBpf.BPF_XDP ? flags : (uint)LinuxBpf.BPF_F_BEFORE,
        };
        SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_LINK_CREATE, &create, (uint)sizeof(bpf_attr_link_create));
        error = fd.Errno;
        return fd.IsError ? null : new(new SafeDescriptor(fd.Int32), Words(hook, flags));
    }

    /// <summary>Puts another program in place of the present one, without a gap.</summary>
    public Errno Replace(BpfProgram program)
    {
        bpf_attr_link_update update = new() { link_fd = (uint)_link.Fd, new_prog_fd = (uint)program.Descriptor };
        return LinuxBpf.bpf(LinuxBpf.BPF_LINK_UPDATE, &update, (uint)sizeof(bpf_attr_link_update)).Errno;
    }

    /// <inheritdoc cref="Describe(int, string)"/>
    public PortProgram Describe() => Describe(_link.Fd, _hook);

    /// <summary>What is attached now, asked from the kernel; numbers are 0 where it does not tell.</summary>
    public static PortProgram Describe(int link, string hook)
    {
        bpf_link_info found = default;
        bpf_attr_info ask = new() { bpf_fd = (uint)link, info_len = (uint)sizeof(bpf_link_info), info = (ulong)&found };
        LinuxBpf.bpf(LinuxBpf.BPF_OBJ_GET_INFO_BY_FD, &ask, (uint)sizeof(bpf_attr_info));
        return new() { Hook = hook, ProgramId = found.prog_id, LinkId = found.id };
    }

    public void Dispose() => _link.Dispose();

    private static string Words(int hook, uint flags) => hook switch
    {
        LinuxBpf.BPF_TCX_INGRESS => "tcx ingress",
        LinuxBpf.BPF_TCX_EGRESS => "tcx egress",
        _ => (flags & LinuxIfLink.XDP_FLAGS_SKB_MODE) != 0 ? "xdp (skb)" : "xdp",
    };
}
