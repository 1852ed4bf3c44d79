using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>How an XDP program is attached.</summary>
internal enum XdpMode
{
    /// <summary>The driver runs it before it makes an skb.</summary>
    Native,

    /// <summary>The kernel runs it on skbs: any interface, slower (XDP_FLAGS_SKB_MODE).</summary>
    Generic,
}

/// <summary>
/// Takes received frames for XDP sockets: a program in the driver hands each to the socket of its queue. Frames of queues
/// without a socket, and those a filter does not want, go on to the host at full speed. A bpf link holds it, so it is gone
/// with the process.
/// </summary>
internal sealed class XdpCapture : IDisposable
{
    public const string ProgramName = "netmap_xdp";

    private readonly BpfMap _sockets;
    private readonly Lifeline? _lifeline;
    private readonly BpfProgram _program;
    private readonly BpfLink _link;

    private XdpCapture(BpfMap sockets, Lifeline? lifeline, string? late, BpfProgram program, BpfLink link, XdpMode mode, bool restoresTags) =>
        (_sockets, _lifeline, Late, _program, _link, Mode, RestoresTags) = (sockets, lifeline, late, program, link, mode, restoresTags);

    public XdpMode Mode { get; }

    /// <summary>VLAN tags that the driver took out of frames are put back.</summary>
    public bool RestoresTags { get; }

    /// <summary>What <see cref="Lifeline.TryStart"/> says of it.</summary>
    public string? Late { get; }

    /// <summary>As `bpftool prog` shows it.</summary>
    public uint ProgramId => _program.Id;

    /// <summary>Attaches a program, which takes nothing yet.</summary>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="queues">Receive queues.</param>
    /// <param name="frags">Frames over several buffers may come (xdp.frags).</param>
    /// <param name="mode">Where.</param>
    /// <param name="parts">What frames go through before they come to the sockets.</param>
    /// <param name="port">For errors.</param>
    /// <param name="error">EOPNOTSUPP the driver has no XDP; EBUSY, EEXIST somebody's program is there; EINVAL, ERANGE its MTU or queues do not do.</param>
    /// <exception cref="NetmapException">EPERM, or the verifier refused.</exception>
    public static XdpCapture? TryStart(int interfaceIndex, int queues, bool frags, XdpMode mode, XdpParts parts, string port, out Errno error)
    {
        BpfMap sockets = BpfMap.Create("netmap_xsks", BpfMapSpec.XdpSockets(queues), port);
        Lifeline? lifeline = Lifeline.TryStart(out string? late);
        BpfProgram? program = null;
        try
        {
            parts = parts with { Lifeline = lifeline };
            uint flags = frags ? LinuxBpf.BPF_F_XDP_HAS_FRAGS : 0;
            // In skb mode there is no asking for the tag; before 6.8, and without type information, neither. A program that
            // asks is bound to its interface.
            int ask = mode == XdpMode.Native ? XdpProgram.TagFunction : 0;
            program = ask == 0 ? null : BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_XDP, XdpProgram.Assemble(sockets, parts, ask, frags), out _,
                ProgramName, flags | LinuxBpf.BPF_F_XDP_DEV_BOUND_ONLY, interfaceIndex);
            bool restoresTags = program is not null;
            program ??= BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, XdpProgram.Assemble(sockets, parts, frags: frags), ProgramName, port, flags);
            BpfLink? link = BpfLink.TryAttach(LinuxBpf.BPF_XDP, interfaceIndex, program, out error,
                mode == XdpMode.Native ? LinuxIfLink.XDP_FLAGS_DRV_MODE : LinuxIfLink.XDP_FLAGS_SKB_MODE);
            if (link is not null)
                return new(sockets, lifeline, late, program, link, mode, restoresTags);
        }
        catch
        {
            program?.Dispose();
            lifeline?.Dispose();
            sockets.Dispose();
            throw;
        }
        program.Dispose();
        lifeline?.Dispose();
        sockets.Dispose();
        return null;
    }

    public PortProgram Describe() => _link.Describe();

    /// <summary>From now on the queue's frames go to this socket.</summary>
    public Errno Take(int queue, int socket) => _sockets.Update((uint)queue, socket);

    /// <summary>From now on the queue's frames go to the host.</summary>
    public void Leave(int queue) => _sockets.Delete((uint)queue);

    public void Dispose()
    {
        _link.Dispose();
        _program.Dispose();
        _lifeline?.Dispose();
        _sockets.Dispose();
    }
}
