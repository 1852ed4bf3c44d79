using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

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
/// without a socket go on to the host at full speed. A bpf link holds it, so it is gone with the process.
/// </summary>
internal sealed class XdpCapture : IDisposable
{
    private const string ProgramName = "netmap_xdp";

    private readonly BpfMap _sockets;
    private readonly BpfProgram _program;
    private readonly BpfLink _link;

    private XdpCapture(BpfMap sockets, BpfProgram program, BpfLink link, XdpMode mode) =>
        (_sockets, _program, _link, Mode) = (sockets, program, link, mode);

    public XdpMode Mode { get; }

    public BpfProgram Program => _program;

    /// <summary>As `bpftool prog` shows it.</summary>
    public uint ProgramId => _program.Id;

    /// <summary>Attaches a program, which takes nothing yet.</summary>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="queues">Receive queues.</param>
    /// <param name="frags">Frames over several buffers may come (xdp.frags).</param>
    /// <param name="mode">Where.</param>
    /// <param name="port">For errors.</param>
    /// <param name="error">EOPNOTSUPP the driver has no XDP; EBUSY, EEXIST somebody's program is there; EINVAL, ERANGE its MTU or queues do not do.</param>
    /// <param name="before">Adds what frames go through first, with the context in R6.</param>
    /// <exception cref="NetmapException">EPERM, or the verifier refused.</exception>
    public static XdpCapture? TryStart(int interfaceIndex, int queues, bool frags, XdpMode mode, string port, out Errno error,
        Action<BpfAssembler>? before = null)
    {
        BpfMap sockets = BpfMap.Create("netmap_xsks", BpfMapSpec.XdpSockets(queues), port);
        BpfProgram? program = null;
        try
        {
            program = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, Assemble(sockets, before), ProgramName, port, frags ? LinuxBpf.BPF_F_XDP_HAS_FRAGS : 0);
            BpfLink? link = BpfLink.TryAttach(LinuxBpf.BPF_XDP, interfaceIndex, program, out error,
                mode == XdpMode.Native ? LinuxIfLink.XDP_FLAGS_DRV_MODE : LinuxIfLink.XDP_FLAGS_SKB_MODE);
            if (link is not null)
                return new(sockets, program, link, mode);
        }
        catch
        {
            program?.Dispose();
            sockets.Dispose();
            throw;
        }
        program.Dispose();
        sockets.Dispose();
        return null;
    }

    /// <summary>From now on the queue's frames go to this socket.</summary>
    public Errno Take(int queue, int socket) => _sockets.Update((uint)queue, socket);

    /// <summary>From now on the queue's frames go to the host.</summary>
    public void Leave(int queue) => _sockets.Delete((uint)queue);

    public void Dispose()
    {
        _link.Dispose();
        _program.Dispose();
        _sockets.Dispose();
    }

    /// <summary>The program: six instructions, and what comes before them.</summary>
    internal static bpf_insn[] Assemble(BpfMap sockets, Action<BpfAssembler>? before = null)
    {
        BpfAssembler code = new BpfAssembler().Move(R6, R1);
        before?.Invoke(code);
        return ToSockets(code, sockets).Instructions;
    }

    private static BpfAssembler ToSockets(BpfAssembler code, BpfMap sockets) => code
        // R2: the key is the receive queue.
        .Load(BpfSize.Word, R2, R6, (int)Marshal.OffsetOf<xdp_md>(nameof(xdp_md.rx_queue_index)))
        .LoadMap(R1, sockets)
        // What the helper answers when the queue has no socket, or is none of the map's.
        .Move(R3, LinuxBpf.XDP_PASS)
        .Call(BpfFunc.BPF_FUNC_redirect_map)
        .Exit();
}
