using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>
/// What an interface can do with XDP at this moment, asked over generic netlink; costs about a microsecond and allocates
/// nothing. Owns its socket, which stays in the namespace it was opened in. One thread at a time.
/// </summary>
internal sealed unsafe class XdpFeatures : IDisposable
{
    /// <summary>An answer has a few attributes; an error repeats the request.</summary>
    private const int AnswerBytes = 512;

    private readonly NetlinkSocket _socket = new(LinuxNetlink.NETLINK_GENERIC);
    private readonly byte[]? _request;

    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    public XdpFeatures(int interfaceIndex)
    {
        try
        {
            byte[] family = _socket.Request(Message(LinuxGenetlink.GENL_ID_CTRL, LinuxGenetlink.CTRL_CMD_GETFAMILY)
                .Attribute(LinuxGenetlink.CTRL_ATTR_FAMILY_NAME, LinuxNetdev.NETDEV_FAMILY_NAME), "ask for", LinuxNetdev.NETDEV_FAMILY_NAME);
            _request = Message((ushort)Number(family, LinuxGenetlink.CTRL_ATTR_FAMILY_ID), LinuxNetdev.NETDEV_CMD_DEV_GET, acknowledge: false)
                .Attribute(LinuxNetdev.NETDEV_A_DEV_IFINDEX, interfaceIndex).Bytes.ToArray();
        }
        catch (NetmapException)
        {
            // Before Linux 6.3 nobody can tell.
            _request = null;
        }
    }

    /// <summary>
    /// The interface sends frames that programs redirect to it. A veth does so while its other end polls (NAPI): because of
    /// an XDP program there, or with generic receive offload on; else it drops every such frame. False where the kernel
    /// does not tell.
    /// </summary>
    public bool TakesRedirects => (Ask() & LinuxNetdev.NETDEV_XDP_ACT_NDO_XMIT) != 0;

    /// <summary>The kernel tells (Linux 6.3).</summary>
    public bool IsTold => _request is not null;

    /// <summary>The driver runs XDP programs itself, before it makes socket buffers.</summary>
    public bool RunsPrograms => (Ask() & LinuxNetdev.NETDEV_XDP_ACT_BASIC) != 0;

    /// <summary>The driver reads and writes buffers of XDP sockets itself.</summary>
    public bool HasZeroCopy => (Ask() & LinuxNetdev.NETDEV_XDP_ACT_XSK_ZEROCOPY) != 0;

    public void Dispose() => _socket.Dispose();

    /// <summary>The features, or 0: none, no such interface, or nobody knows.</summary>
    private ulong Ask()
    {
        if (_request is null)
            return 0;
        byte* answer = stackalloc byte[AnswerBytes];
        fixed (byte* request = _request)
        {
            if (SysSocket.send(_socket.Descriptor, request, (nuint)_request.Length, 0).IsError)
                return 0;
        }
        SysResult received = SysSocket.recv(_socket.Descriptor, answer, AnswerBytes, 0);
        return received.IsError ? 0 : Number(new ReadOnlySpan<byte>(answer, received.Int32), LinuxNetdev.NETDEV_A_DEV_XDP_FEATURES);
    }

    private static NetlinkMessage Message(ushort family, byte command, bool acknowledge = true) =>
        new NetlinkMessage(family, 0, acknowledge).Body(new genlmsghdr { cmd = command, version = 1 });

    /// <summary>An attribute's value of up to eight bytes; 0 when it is not there, or the message is an error.</summary>
    private static ulong Number(ReadOnlySpan<byte> answer, ushort type)
    {
        int skip = Unsafe.SizeOf<nlmsghdr>() + Unsafe.SizeOf<genlmsghdr>();
        if (answer.Length < skip || MemoryMarshal.Read<nlmsghdr>(answer).nlmsg_type == LinuxNetlink.NLMSG_ERROR)
            return 0;
        ReadOnlySpan<byte> value = NetlinkAttributes.Find(answer[skip..], type);
        return value.Length switch
        {
            sizeof(ushort) => MemoryMarshal.Read<ushort>(value),
            sizeof(ulong) => MemoryMarshal.Read<ulong>(value),
            _ => 0,
        };
    }
}
