using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// The sending program, attached where no frame ever comes: to the loopback of an empty network namespace. It has to be
/// attached somewhere, or each run would wait for RCU grace periods (<see cref="GearTx"/>); and it cannot be part of the
/// interface's own program, because one that asks the driver for VLAN tags is bound to its interface, and the kernel runs no
/// such program on made-up frames.
/// </summary>
internal sealed class GearCarrier : IDisposable
{
    private const int Loopback = 1;

    private readonly NetworkNamespace _space;
    private readonly BpfLink _link;

    /// <exception cref="NetmapException">EPERM a namespace needs CAP_SYS_ADMIN.</exception>
    public GearCarrier(GearTx sender, string port)
    {
        BpfAssembler code = new BpfAssembler().Move(BpfRegister.R6, BpfRegister.R1);
        sender.Emit(code);
        Program = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, code.Exit(LinuxBpf.XDP_DROP).Instructions, "netmap_tx", port);
        NetworkNamespace? space = null;
        try
        {
            space = _space = NetworkNamespace.Create();
            Errno error = Errno.Success;
            _link = space.Run(() => BpfLink.TryAttach(LinuxBpf.BPF_XDP, Loopback, Program, out error, LinuxIfLink.XDP_FLAGS_SKB_MODE))
                ?? throw new NetmapException(error, "open", port, "the program that sends cannot be attached to a loopback");
        }
        catch
        {
            space?.Dispose();
            Program.Dispose();
            throw;
        }
    }

    public BpfProgram Program { get; }

    public PortProgram Describe() => _link.Describe() with { Hook = "xdp (skb), private loopback" };

    public void Dispose()
    {
        _link.Dispose();
        _space.Dispose();
        Program.Dispose();
    }
}
