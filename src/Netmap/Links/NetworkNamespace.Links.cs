using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Links;

/// <content>The interfaces of a namespace, over rtnetlink(7) and ethtool.</content>
public sealed partial class NetworkNamespace
{
    /// <summary>
    /// Creates a veth pair, one end here and one in <paramref name="peerNamespace"/> (here when null). Both ends are down.
    /// </summary>
    /// <exception cref="NetmapException">EEXIST, EPERM, EINVAL.</exception>
    public void CreateVeth(string name, string peer, NetworkNamespace? peerNamespace = null, LinkOptions? options = null)
    {
        LinkOptions link = options ?? new();
        NetlinkMessage message = New(name, link).Nest(LinuxIfLink.IFLA_LINKINFO, info => info
            .Attribute(LinuxIfLink.IFLA_INFO_KIND, "veth")
            .Nest(LinuxIfLink.IFLA_INFO_DATA, data => data.Nest(LinuxVeth.VETH_INFO_PEER, end =>
            {
                Describe(end.Body(default(ifinfomsg)), peer, link);
                if (peerNamespace is not null)
                    end.Attribute(LinuxIfLink.IFLA_NET_NS_FD, peerNamespace._namespace.Fd);
            })));
        Request(message, "create veth pair", name);
    }

    /// <summary>Creates a bridge, down and without ports.</summary>
    /// <exception cref="NetmapException">EEXIST, EPERM.</exception>
    public void CreateBridge(string name) => Request(
        New(name, new()).Nest(LinuxIfLink.IFLA_LINKINFO, info => info.Attribute(LinuxIfLink.IFLA_INFO_KIND, "bridge")),
        "create bridge", name);

    /// <summary>Puts an interface under a bridge or bond.</summary>
    /// <exception cref="NetmapException">ENODEV.</exception>
    public void SetMaster(string name, string master) => Run(() =>
        Change(name, "set master of", m => m.Attribute(LinuxIfLink.IFLA_MASTER, IndexOf(master))));

    /// <summary>Sets the interface up or down.</summary>
    /// <exception cref="NetmapException">ENODEV.</exception>
    public void SetUp(string name, bool up = true) => SetFlag(name, LinuxIf.IFF_UP, up, up ? "bring up" : "take down");

    /// <summary>Makes the interface receive every frame on its wire, or only those for it.</summary>
    /// <exception cref="NetmapException">ENODEV, EPERM.</exception>
    public void SetPromiscuous(string name, bool on) => SetFlag(name, LinuxIf.IFF_PROMISC, on, "set promiscuous mode of");

    /// <summary>Sets the MTU in bytes.</summary>
    /// <exception cref="NetmapException">ENODEV, EINVAL.</exception>
    public void SetMtu(string name, int mtu) =>
        Run(() => Change(name, "set MTU of", m => m.Attribute(LinuxIfLink.IFLA_MTU, mtu)));

    /// <summary>Sets the hardware address, <c>02:00:00:00:00:01</c>.</summary>
    /// <exception cref="NetmapException">ENODEV.</exception>
    public void SetMac(string name, string address) => Run(() => Change(name, "set address of",
        m => m.Attribute(LinuxIfLink.IFLA_ADDRESS, PhysicalAddress.Parse(address).GetAddressBytes())));

    /// <summary>Renames the interface.</summary>
    /// <exception cref="NetmapException">ENODEV, EEXIST, EBUSY.</exception>
    public void Rename(string name, string newName) =>
        Run(() => Change(name, "rename", m => m.Attribute(LinuxIfLink.IFLA_IFNAME, newName)));

    /// <summary>Adds an IPv4 or IPv6 address, <c>10.0.0.1/24</c>.</summary>
    /// <exception cref="NetmapException">ENODEV, EEXIST, EINVAL.</exception>
    public void AddAddress(string name, string addressWithPrefix) => Run(() =>
    {
        IPNetwork network = IPNetwork.Parse(AddressPrefix(addressWithPrefix, out IPAddress address));
        byte[] bytes = address.GetAddressBytes();
        ifaddrmsg body = new()
        {
            ifa_family = (byte)(bytes.Length == 4 ? SysSocket.AF_INET : SysSocket.AF_INET6),
            ifa_prefixlen = (byte)network.PrefixLength,
            ifa_index = (uint)IndexOf(name),
        };
        using NetlinkSocket socket = new();
        socket.Request(new NetlinkMessage(LinuxRtnetlink.RTM_NEWADDR, LinuxNetlink.NLM_F_CREATE | LinuxNetlink.NLM_F_EXCL)
            .Body(body).Attribute(LinuxIfAddr.IFA_LOCAL, bytes).Attribute(LinuxIfAddr.IFA_ADDRESS, bytes), "add address to", name);
    });

    /// <summary>Makes a neighbour's hardware address known for good, so that nobody asks for it.</summary>
    /// <exception cref="NetmapException">ENODEV, EINVAL.</exception>
    public void AddNeighbor(string name, string address, string mac) => Run(() =>
    {
        byte[] ip = IPAddress.Parse(address).GetAddressBytes();
        ndmsg body = new()
        {
            ndm_family = (byte)(ip.Length == 4 ? SysSocket.AF_INET : SysSocket.AF_INET6),
            ndm_ifindex = IndexOf(name),
            ndm_state = LinuxNeighbour.NUD_PERMANENT,
        };
        using NetlinkSocket socket = new();
        socket.Request(new NetlinkMessage(LinuxRtnetlink.RTM_NEWNEIGH, LinuxNetlink.NLM_F_CREATE).Body(body)
            .Attribute(LinuxNeighbour.NDA_DST, ip)
            .Attribute(LinuxNeighbour.NDA_LLADDR, PhysicalAddress.Parse(mac).GetAddressBytes()), "add neighbor on", name);
    });

    /// <summary>Deletes the interface; of a veth, both ends.</summary>
    /// <exception cref="NetmapException">ENODEV.</exception>
    public void Delete(string name) => Run(() =>
    {
        using NetlinkSocket socket = new();
        socket.Request(new NetlinkMessage(LinuxRtnetlink.RTM_DELLINK, 0)
            .Body(new ifinfomsg { ifi_index = IndexOf(name) }), "delete", name);
    });

    /// <summary>
    /// Switches an offload of the interface (ethtool -K): <c>tx-checksum</c>, <c>tso</c>, <c>gso</c>, <c>gro</c>,
    /// <c>rx-vlan</c>, <c>tx-vlan</c>.
    /// </summary>
    /// <exception cref="NetmapException">ENODEV, EOPNOTSUPP, EINVAL for another name.</exception>
    public void SetOffload(string name, string offload, bool on) => Run(() =>
    {
        using SafeDescriptor socket = InterfaceQuery.OpenSocket();
        SysResult result = EthtoolQuery.SetOffload(socket.Fd, name, offload, on);
        if (result.IsError)
            throw new NetmapException(result.Errno, $"switch {offload} of", name, "the driver refused");
    });

    /// <summary>The interfaces, loopback included.</summary>
    public IReadOnlyList<LinkInfo> List() => Run(() =>
    {
        using NetlinkSocket socket = new();
        NetlinkMessage all = new NetlinkMessage(LinuxRtnetlink.RTM_GETLINK, LinuxNetlink.NLM_F_DUMP).Body(default(ifinfomsg));
        return socket.Dump(all, "list interfaces").Select(link => LinkInfo.Read(link)).ToList();
    });

    /// <summary>Frames and bytes the kernel counted on the interface.</summary>
    /// <exception cref="NetmapException">ENODEV.</exception>
    public LinkCounters GetCounters(string name) => Run(() =>
    {
        using NetlinkSocket socket = new();
        byte[] answer = socket.Request(new NetlinkMessage(LinuxRtnetlink.RTM_GETLINK, 0)
            .Body(new ifinfomsg { ifi_index = IndexOf(name) }), "ask for", name);
        ReadOnlySpan<ulong> stats = MemoryMarshal.Cast<byte, ulong>(NetlinkAttributes.Find(
            answer.AsSpan(Unsafe.SizeOf<nlmsghdr>() + Unsafe.SizeOf<ifinfomsg>()), LinuxIfLink.IFLA_STATS64));
        return new LinkCounters((long)stats[0], (long)stats[1], (long)stats[2], (long)stats[3], (long)stats[6], (long)stats[7]);
    });

    /// <summary>Index of an interface in the calling thread's namespace.</summary>
    private static int IndexOf(string name)
    {
        using SafeDescriptor socket = InterfaceQuery.OpenSocket();
        SysResult index = InterfaceQuery.Index(socket.Fd, name);
        return index.IsError
            ? throw new NetmapException(index.Errno, "find interface", name, "no such interface in this network namespace")
            : index.Int32;
    }

    private static NetlinkMessage New(string name, LinkOptions options) =>
        Describe(new NetlinkMessage(LinuxRtnetlink.RTM_NEWLINK, LinuxNetlink.NLM_F_CREATE | LinuxNetlink.NLM_F_EXCL)
            .Body(default(ifinfomsg)), name, options);

    private static NetlinkMessage Describe(NetlinkMessage message, string name, LinkOptions options) => message
        .Attribute(LinuxIfLink.IFLA_IFNAME, name)
        .Attribute(LinuxIfLink.IFLA_MTU, options.Mtu)
        .Attribute(LinuxIfLink.IFLA_NUM_TX_QUEUES, options.Queues)
        .Attribute(LinuxIfLink.IFLA_NUM_RX_QUEUES, options.Queues);

    private static void Change(string name, string operation, Action<NetlinkMessage> attributes)
    {
        NetlinkMessage message = new NetlinkMessage(LinuxRtnetlink.RTM_NEWLINK, 0).Body(new ifinfomsg { ifi_index = IndexOf(name) });
        attributes(message);
        using NetlinkSocket socket = new();
        socket.Request(message, operation, name);
    }

    private static string AddressPrefix(string text, out IPAddress address)
    {
        int slash = text.IndexOf('/');
        address = IPAddress.Parse(slash < 0 ? text : text[..slash]);
        int bits = slash < 0 ? address.GetAddressBytes().Length * 8 : int.Parse(text[(slash + 1)..]);
        byte[] bytes = address.GetAddressBytes();
        for (int bit = bits; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return $"{new IPAddress(bytes)}/{bits}";
    }

    private void SetFlag(string name, uint flag, bool on, string operation) => Run(() =>
    {
        ifinfomsg change = new() { ifi_index = IndexOf(name), ifi_flags = on ? flag : 0, ifi_change = flag };
        using NetlinkSocket socket = new();
        socket.Request(new NetlinkMessage(LinuxRtnetlink.RTM_NEWLINK, 0).Body(change), operation, name);
    });

    private void Request(NetlinkMessage message, string operation, string name) => Run(() =>
    {
        using NetlinkSocket socket = new();
        socket.Request(message, operation, name);
    });
}

/// <summary>Counters of a kernel interface (IFLA_STATS64).</summary>
public readonly record struct LinkCounters(long RxPackets, long TxPackets, long RxBytes, long TxBytes, long RxDropped, long TxDropped);

/// <summary>How to make an interface.</summary>
public sealed record LinkOptions
{
    /// <summary>TX and RX queues, each end.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Payload bytes.</summary>
    public int Mtu { get; init; } = 1500;
}
