using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>
/// Spreads an interface's frames over the sockets of its receive rings: ring = recorded receive queue modulo rings
/// (spec 5.4), by a classic BPF program in the fanout group.
/// </summary>
internal static unsafe class PacketFanout
{
    /// <summary>Joins all sockets, bound and ready, to one new group; their order is that of the rings.</summary>
    /// <exception cref="NetmapException">EINVAL, ENOSPC.</exception>
    public static void Join(IReadOnlyList<PacketSocket> sockets)
    {
        // The group receives in its sockets' place, so it does not know of their PACKET_IGNORE_OUTGOING.
        int type = (LinuxIfPacket.PACKET_FANOUT_CBPF | LinuxIfPacket.PACKET_FANOUT_FLAG_IGNORE_OUTGOING) << 16;
        sockets[0].Set(LinuxIfPacket.PACKET_FANOUT, type | (LinuxIfPacket.PACKET_FANOUT_FLAG_UNIQUEID << 16), "fanout");
        int group = sockets[0].Get(LinuxIfPacket.PACKET_FANOUT) & 0xffff;
        foreach (PacketSocket socket in sockets.Skip(1))
            socket.Set(LinuxIfPacket.PACKET_FANOUT, type | group, "fanout");
        // The kernel takes the result modulo the number of sockets. It records a queue plus 1; 0 means none was recorded.
        sock_filter* code = stackalloc sock_filter[4]
        {
            new(LinuxFilter.BPF_LD | LinuxFilter.BPF_W | LinuxFilter.BPF_ABS, 0, 0, unchecked((uint)(LinuxFilter.SKF_AD_OFF + LinuxFilter.SKF_AD_QUEUE))),
            new(LinuxFilter.BPF_JMP | LinuxFilter.BPF_JEQ | LinuxFilter.BPF_K, 1, 0, 0),
            new(LinuxFilter.BPF_ALU | LinuxFilter.BPF_SUB | LinuxFilter.BPF_K, 0, 0, 1),
            new(LinuxFilter.BPF_RET | LinuxFilter.BPF_A, 0, 0, 0),
        };
        sock_fprog program = new() { len = 4, filter = code };
        sockets[0].Set(SysSocket.SOL_PACKET, LinuxIfPacket.PACKET_FANOUT_DATA, program, "fanout program");
    }
}
