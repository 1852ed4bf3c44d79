using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>A rtnetlink socket in the calling thread's namespace: one request, one answer at a time.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private readonly SafeDescriptor _socket;

    public NetlinkSocket()
    {
        SysResult fd = SysSocket.socket(SysSocket.AF_NETLINK, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, LinuxNetlink.NETLINK_ROUTE);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open netlink socket", null, "the kernel refused a rtnetlink socket");
        _socket = new SafeDescriptor(fd.Int32);
        // Without these the kernel sends bare numbers: fine too.
        SysSocket.setsockopt(_socket.Fd, SysSocket.SOL_NETLINK, LinuxNetlink.NETLINK_EXT_ACK, 1);
        SysSocket.setsockopt(_socket.Fd, SysSocket.SOL_NETLINK, LinuxNetlink.NETLINK_CAP_ACK, 1);
    }

    /// <summary>Sends a request and waits for its answer; the kernel answers before the send returns.</summary>
    /// <param name="message">Request.</param>
    /// <param name="operation">For the error.</param>
    /// <param name="interfaceName">For the error.</param>
    /// <returns>The message before the acknowledgement, if any: an answer to a question.</returns>
    /// <exception cref="NetmapException">The kernel's errno and, where it gives one, its own words.</exception>
    public byte[] Request(NetlinkMessage message, string operation, string interfaceName)
    {
        byte[] answer = [];
        fixed (byte* bytes = message.Bytes)
            Check(SysSocket.send(_socket.Fd, bytes, (nuint)message.Bytes.Length, 0), operation, interfaceName, "");
        byte[] buffer = new byte[16384];
        while (true)
        {
            int received;
            fixed (byte* bytes = buffer)
            {
                SysResult result = SysSocket.recv(_socket.Fd, bytes, (nuint)buffer.Length, 0);
                Check(result, operation, interfaceName, "");
                received = result.Int32;
            }
            nlmsghdr header = MemoryMarshal.Read<nlmsghdr>(buffer);
            if (header.nlmsg_type != LinuxNetlink.NLMSG_ERROR)
            {
                answer = buffer[..received];
                continue;
            }
            int error = MemoryMarshal.Read<int>(buffer.AsSpan(Unsafe.SizeOf<nlmsghdr>()));
            if (error < 0)
                Check(SysResult.Error((Errno)(-error)), operation, interfaceName, Words(buffer.AsSpan(0, received), header));
            return answer;
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>The kernel's explanation behind an error (NLMSGERR_ATTR_MSG).</summary>
    private static string Words(ReadOnlySpan<byte> message, in nlmsghdr header)
    {
        if ((header.nlmsg_flags & LinuxNetlink.NLM_F_ACK_TLVS) == 0)
            return "";
        // Header, error number, the header of our request (the rest of it is left out: NETLINK_CAP_ACK).
        ReadOnlySpan<byte> attributes = message[((2 * Unsafe.SizeOf<nlmsghdr>()) + sizeof(int))..];
        return NetlinkAttributes.Find(attributes, LinuxNetlink.NLMSGERR_ATTR_MSG) is { Length: > 1 } text
            ? Encoding.UTF8.GetString(text[..^1])
            : "";
    }

    private static void Check(SysResult result, string operation, string interfaceName, string words)
    {
        if (!result.IsError)
            return;
        string advice = result.Errno switch
        {
            Errno.EPERM => "CAP_NET_ADMIN in this network namespace is needed",
            Errno.EEXIST => "an interface with that name is there already",
            Errno.ENODEV => "no such interface",
            _ => "the kernel refused",
        };
        throw new NetmapException(result.Errno, operation, interfaceName, words.Length > 0 ? words : advice);
    }
}

/// <summary>Reads attributes of a netlink message.</summary>
internal static class NetlinkAttributes
{
    /// <summary>The value of the first attribute of this type, or empty.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort type)
    {
        while (attributes.Length >= 4)
        {
            int length = MemoryMarshal.Read<ushort>(attributes);
            if (length < 4 || length > attributes.Length)
                return [];
            if ((MemoryMarshal.Read<ushort>(attributes[2..]) & 0x3fff) == type)
                return attributes[4..length];
            attributes = attributes[Math.Min((length + 3) & ~3, attributes.Length)..];
        }
        return [];
    }
}
