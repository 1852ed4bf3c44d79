using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>A netlink socket, of rtnetlink unless told otherwise, in the calling thread's namespace: one request, one answer at a time.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    // A list comes in messages of up to 32 KiB; one interface with many virtual functions can be longer.
    private const int BufferSize = 128 * 1024;

    // Header and error number.
    private const int Acknowledgement = 20;

    private readonly SafeDescriptor _socket;
    private uint _sequence;

    /// <param name="protocol">NETLINK_ROUTE or NETLINK_GENERIC.</param>
    public NetlinkSocket(int protocol = LinuxNetlink.NETLINK_ROUTE)
    {
        SysResult fd = SysSocket.socket(SysSocket.AF_NETLINK, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, protocol);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open netlink socket", null, "the kernel refused a netlink socket");
        _socket = new SafeDescriptor(fd.Int32);
        // Without these the kernel sends bare numbers: fine too.
        SysSocket.setsockopt(_socket.Fd, SysSocket.SOL_NETLINK, LinuxNetlink.NETLINK_EXT_ACK, 1);
        SysSocket.setsockopt(_socket.Fd, SysSocket.SOL_NETLINK, LinuxNetlink.NETLINK_CAP_ACK, 1);
    }

    /// <summary>For exchanges that must not allocate.</summary>
    public int Descriptor => _socket.Fd;

    /// <summary>Sends a request and waits for its acknowledgement; the kernel answers before the send returns.</summary>
    /// <param name="message">Request.</param>
    /// <param name="operation">For the error.</param>
    /// <param name="interfaceName">For the error.</param>
    /// <returns>The message before the acknowledgement, if any: an answer to a question.</returns>
    /// <exception cref="NetmapException">The kernel's errno and, where it gives one, its own words.</exception>
    public byte[] Request(NetlinkMessage message, string operation, string interfaceName) =>
        Exchange(message, operation, interfaceName) is [.., var last] ? last : [];

    /// <summary>Sends a request for a list (NLM_F_DUMP); asks again when the list changed under the kernel's hands.</summary>
    /// <exception cref="NetmapException">The kernel's errno.</exception>
    public IReadOnlyList<byte[]> Dump(NetlinkMessage message, string operation)
    {
        while (true)
        {
            List<byte[]> list = Exchange(message, operation, null);
            if (!list.Exists(one => (MemoryMarshal.Read<nlmsghdr>(one).nlmsg_flags & LinuxNetlink.NLM_F_DUMP_INTR) != 0))
                return list;
        }
    }

    private List<byte[]> Exchange(NetlinkMessage message, string operation, string? interfaceName)
    {
        message.Sequence = ++_sequence;
        fixed (byte* bytes = message.Bytes)
            Check(SysSocket.send(_socket.Fd, bytes, (nuint)message.Bytes.Length, 0), operation, interfaceName, "");
        List<byte[]> answers = [];
        byte[] buffer = new byte[BufferSize];
        while (true)
        {
            ReadOnlySpan<byte> rest = Receive(buffer, operation, interfaceName);
            while (NextMessage(ref rest, out ReadOnlySpan<byte> one))
            {
                nlmsghdr header = MemoryMarshal.Read<nlmsghdr>(one);
                if (header.nlmsg_seq != _sequence)
                    continue;
                if (header.nlmsg_type is not (LinuxNetlink.NLMSG_ERROR or LinuxNetlink.NLMSG_DONE))
                {
                    answers.Add(one.ToArray());
                    continue;
                }
                int error = one.Length < Acknowledgement ? 0 : MemoryMarshal.Read<int>(one[Unsafe.SizeOf<nlmsghdr>()..]);
                if (error < 0)
                    Check(SysResult.Error((Errno)(-error)), operation, interfaceName, Words(one, header));
                return answers;
            }
        }
    }

    private ReadOnlySpan<byte> Receive(byte[] buffer, string operation, string? interfaceName)
    {
        SysResult received;
        fixed (byte* bytes = buffer)
        {
            do
                received = SysSocket.recv(_socket.Fd, bytes, (nuint)buffer.Length, SysSocket.MSG_TRUNC);
            while (received.Errno == Errno.EINTR);
        }
        Check(received, operation, interfaceName, "");
        // With MSG_TRUNC the kernel gives the whole length, also of what it had to cut off.
        if (received.Value > buffer.Length)
            Check(SysResult.Error(Errno.EMSGSIZE), operation, interfaceName, "");
        return buffer.AsSpan(0, received.Int32);
    }

    /// <summary>Takes the next whole message off <paramref name="rest"/>; messages start at multiples of 4 bytes.</summary>
    private static bool NextMessage(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (!MemoryMarshal.TryRead(rest, out nlmsghdr header)
            || header.nlmsg_len < Unsafe.SizeOf<nlmsghdr>() || header.nlmsg_len > rest.Length)
            return false;
        message = rest[..(int)header.nlmsg_len];
        rest = rest[Math.Min((message.Length + 3) & ~3, rest.Length)..];
        return true;
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>The kernel's explanation behind an error (NLMSGERR_ATTR_MSG).</summary>
    private static string Words(ReadOnlySpan<byte> message, in nlmsghdr header)
    {
        if ((header.nlmsg_flags & LinuxNetlink.NLM_F_ACK_TLVS) == 0)
            return "";
        // Header, error number, the header of our request; the rest of the request too where NETLINK_CAP_ACK was refused.
        int skip = (2 * Unsafe.SizeOf<nlmsghdr>()) + sizeof(int);
        if ((header.nlmsg_flags & LinuxNetlink.NLM_F_CAPPED) == 0)
            skip += (int)MemoryMarshal.Read<uint>(message[Acknowledgement..]) - Unsafe.SizeOf<nlmsghdr>();
        ReadOnlySpan<byte> attributes = message[Math.Clamp(skip, 0, message.Length)..];
        return NetlinkAttributes.Find(attributes, LinuxNetlink.NLMSGERR_ATTR_MSG) is { Length: > 1 } text
            ? Encoding.UTF8.GetString(text[..^1])
            : "";
    }

    private static void Check(SysResult result, string operation, string? interfaceName, string words)
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
