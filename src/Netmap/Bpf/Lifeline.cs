using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>
/// Tells a program in the kernel whether the process that takes frames with it lives: an XDP socket that is bound to
/// nothing, in a map. The kernel takes a socket out of its maps first thing when it is closed, and waits for nothing. A
/// program's link goes with its process too, but late: the kernel waits for an RCU grace period (8 to 24 ms) at each link
/// and each bound socket.
/// </summary>
internal sealed unsafe class Lifeline : IDisposable
{
    /// <summary>
    /// Lowest number of its descriptor. The kernel lets go of a killed process's open files one by one, the highest number
    /// first: those of all lifelines are above everything else. Within the usual limit of 1,024 descriptors.
    /// </summary>
    private const int FirstNumber = 768;

    private const int Key = -4;

    private readonly SafeDescriptor _socket;
    private readonly BpfMap _map;

    private Lifeline(SafeDescriptor socket, BpfMap map) => (_socket, _map) = (socket, map);

    /// <summary>Null where there is none to be had: the host waits for the links then.</summary>
    /// <param name="late">
    /// In words for the port's mode: why the host gets its traffic back later than it could when the process is killed, because
    /// there is no lifeline (no XDP sockets, no descriptors) or others are released before it (ulimit -n); null if it does not.
    /// </param>
    public static Lifeline? TryStart(out string? late)
    {
        late = null;
        SysResult fd = SysSocket.socket(SysSocketXdp.AF_XDP, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        Errno refused = fd.Errno;
        if (!fd.IsError)
        {
            SafeDescriptor socket = ReleasedFirst(new(fd.Int32), ref late);
            BpfMap? map = null;
            // A map takes only sockets that could receive.
            refused = SysSocket.setsockopt(socket.Fd, SysSocketXdp.SOL_XDP, LinuxIfXdp.XDP_RX_RING, 1).Errno;
            if (refused == Errno.Success && (map = BpfMap.TryCreate("netmap_life", BpfMapSpec.XdpSockets(1), out refused)) is not null)
                refused = map.Update(0, socket.Fd);
            if (refused == Errno.Success)
                return new(socket, map!);
            map?.Dispose();
            socket.Dispose();
        }
        late = Late($"the kernel refused a lifeline, {refused}");
        return null;
    }

    /// <summary>Adds a jump to <paramref name="dead"/> for when the process is gone. R0–R5 and 4 bytes of stack are lost.</summary>
    public void Check(BpfAssembler code, string dead) => code
        .Store(BpfSize.Word, BpfRegister.R10, Key, 0)
        .LoadMap(BpfRegister.R1, _map)
        .Move(BpfRegister.R2, BpfRegister.R10).Alu(BpfAlu.Add, BpfRegister.R2, Key)
        .Call(BpfFunc.BPF_FUNC_map_lookup_elem)
        .JumpIf(BpfTest.Equal, BpfRegister.R0, 0, dead);

    public void Dispose()
    {
        _socket.Dispose();
        _map.Dispose();
    }

    /// <summary>The descriptor under a high number; as it is, and <paramref name="late"/>, where there is none to be had.</summary>
    private static SafeDescriptor ReleasedFirst(SafeDescriptor given, ref string? late)
    {
        SysResult moved = Fcntl.fcntl(given.Fd, Fcntl.F_DUPFD_CLOEXEC, FirstNumber);
        if (moved.IsError)
        {
            late = Late($"no descriptor from {FirstNumber} on is free, {moved.Errno}; raise ulimit -n");
            return given;
        }
        given.Dispose();
        return new(moved.Int32);
    }

    private static string Late(string why) => $"after a kill the host gets its traffic back later ({why})";
}
