using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>What rtnetlink tells about an interface.</summary>
/// <param name="TxQueues">At least 1.</param>
/// <param name="RxQueues">At least 1.</param>
/// <param name="Master">Index of the bridge or bond it belongs to, 0 for none.</param>
/// <param name="DriverProgram">Id of the XDP program in the driver or the hardware, 0 for none.</param>
/// <param name="GenericProgram">Id of the XDP program behind the driver (skb mode), 0 for none.</param>
/// <param name="Kind"><c>veth</c>, <c>macvlan</c> … as ip(8) names it; empty for hardware and the loopback.</param>
/// <param name="Lower">Index of the interface it is on top of, or of a veth's other end; 0 for none.</param>
internal readonly record struct LinkDetails(
    int TxQueues, int RxQueues, int Master, uint DriverProgram, uint GenericProgram, string Kind, int Lower)
{
    /// <exception cref="NetmapException">ENODEV.</exception>
    public static LinkDetails Ask(NetlinkSocket socket, int index, string name)
    {
        byte[] answer = socket.Request(
            new NetlinkMessage(LinuxRtnetlink.RTM_GETLINK, 0).Body(new ifinfomsg { ifi_index = index }), "ask for", name);
        ReadOnlySpan<byte> attributes = answer.AsSpan(Unsafe.SizeOf<nlmsghdr>() + Unsafe.SizeOf<ifinfomsg>());
        return new(
            Math.Max(1, Number(attributes, LinuxIfLink.IFLA_NUM_TX_QUEUES)),
            Math.Max(1, Number(attributes, LinuxIfLink.IFLA_NUM_RX_QUEUES)),
            Number(attributes, LinuxIfLink.IFLA_MASTER),
            (uint)Math.Max(Number(Xdp(attributes), LinuxIfLink.IFLA_XDP_DRV_PROG_ID), Number(Xdp(attributes), LinuxIfLink.IFLA_XDP_HW_PROG_ID)),
            (uint)Number(Xdp(attributes), LinuxIfLink.IFLA_XDP_SKB_PROG_ID),
            Encoding.UTF8.GetString(NetlinkAttributes.Find(NetlinkAttributes.Find(attributes, LinuxIfLink.IFLA_LINKINFO), LinuxIfLink.IFLA_INFO_KIND)).TrimEnd('\0'),
            Number(attributes, LinuxIfLink.IFLA_LINK));
    }

    private static ReadOnlySpan<byte> Xdp(ReadOnlySpan<byte> attributes) => NetlinkAttributes.Find(attributes, LinuxIfLink.IFLA_XDP);

    private static int Number(ReadOnlySpan<byte> attributes, ushort type) =>
        NetlinkAttributes.Find(attributes, type) is { Length: >= 4 } value ? MemoryMarshal.Read<int>(value) : 0;
}
