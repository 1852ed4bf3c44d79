using System.Text;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>A Unix SEQPACKET socket that carries messages of the server's protocol, descriptors with them. Owns it.</summary>
internal sealed unsafe class MessageSocket(SafeDescriptor socket) : IDisposable
{
    private const int Kind = SysSocket.SOCK_SEQPACKET | SysSocket.SOCK_CLOEXEC;
    private const int ControlSize = 16 + (4 * NmsH.NMS_DESCRIPTORS_MAX);

    public int Descriptor => socket.Fd;

    /// <summary>The descriptor's owner; closed by <see cref="Dispose"/>.</summary>
    public SafeDescriptor Handle => socket;

    /// <summary>Connects to a server.</summary>
    /// <param name="host">A path, or <c>@name</c> for an abstract address.</param>
    /// <exception cref="NetmapException">ENOENT, ECONNREFUSED, EACCES, EMFILE.</exception>
    public static MessageSocket Connect(string host)
    {
        MessageSocket made = New(host);
        SysResult connected = WithAddress(host, (address, length) => SysSocket.connect(made.Descriptor, address, length));
        if (!connected.IsError)
            return made;
        made.Dispose();
        throw new NetmapException(connected.Errno, "connect", host, connected.Errno switch
        {
            Errno.EACCES => "not allowed; members of the socket's group are",
            Errno.EAGAIN => "the server has too many clients waiting",
            _ when host.StartsWith('@') => "no netmap server listens there in this network namespace; start netmapd, or `netmap run`",
            _ => "no netmap server listens there; start netmapd, or `netmap run`",
        });
    }

    /// <summary>A socket that listens.</summary>
    /// <exception cref="NetmapException">EADDRINUSE, EACCES, ENOENT.</exception>
    public static MessageSocket Listen(string host)
    {
        MessageSocket made = New(host);
        SysResult done = WithAddress(host, (address, length) => SysSocket.bind(made.Descriptor, address, length));
        if (!done.IsError)
            done = SysSocket.listen(made.Descriptor, 256);
        if (!done.IsError)
            return made;
        made.Dispose();
        throw new NetmapException(done.Errno, "listen", host, done.Errno switch
        {
            Errno.EADDRINUSE => "another server is there already",
            Errno.ENOENT => "the folder is missing; make it, or choose another address",
            Errno.EACCES => "not allowed there; choose another address",
            _ => "the socket cannot be made there",
        });
    }

    /// <summary>Two ends of a new connection.</summary>
    /// <exception cref="NetmapException">EMFILE.</exception>
    public static (MessageSocket, MessageSocket) Pair()
    {
        int* ends = stackalloc int[2];
        SysResult made = SysSocket.socketpair(SysSocket.AF_UNIX, Kind, 0, ends);
        return made.IsError
            ? throw new NetmapException(made.Errno, "attach", null, "no descriptors for a session; raise `ulimit -n`")
            : (new(new SafeDescriptor(ends[0])), new(new SafeDescriptor(ends[1])));
    }

    /// <summary>Sends one message and descriptors with it; never raises SIGPIPE.</summary>
    public SysResult Send(ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors = default, int flags = 0)
    {
        int rightsSize = (sizeof(cmsghdr) + (descriptors.Length * sizeof(int)) + 7) & ~7;
        byte* control = stackalloc byte[rightsSize];
        fixed (byte* data = message)
        {
            iovec part = new() { iov_base = data, iov_len = (nuint)message.Length };
            msghdr header = new() { msg_iov = &part, msg_iovlen = 1 };
            if (descriptors.Length > 0)
            {
                cmsghdr* rights = (cmsghdr*)control;
                rights->cmsg_len = (nuint)(sizeof(cmsghdr) + (descriptors.Length * sizeof(int)));
                rights->cmsg_level = SysSocket.SOL_SOCKET;
                rights->cmsg_type = SysSocket.SCM_RIGHTS;
                descriptors.CopyTo(new Span<int>(rights + 1, descriptors.Length));
                header.msg_control = control;
                header.msg_controllen = (nuint)rightsSize;
            }
            SysResult sent;
            do
                sent = SysSocket.sendmsg(Descriptor, &header, flags | SysSocket.MSG_NOSIGNAL);
            while (sent.Errno == Errno.EINTR);
            return sent;
        }
    }

    /// <summary>Receives one message. Descriptors that came with it belong to the caller in every case.</summary>
    /// <returns>Bytes; 0 when the other side is gone; EMSGSIZE the message was cut off; EMFILE descriptors were, for which there was no room.</returns>
    public SysResult Receive(Span<byte> message, List<SafeDescriptor> descriptors, int flags = 0)
    {
        byte* control = stackalloc byte[ControlSize];
        fixed (byte* data = message)
        {
            iovec part = new() { iov_base = data, iov_len = (nuint)message.Length };
            msghdr header = new() { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = ControlSize };
            SysResult received;
            do
                received = SysSocket.recvmsg(Descriptor, &header, flags | SysSocket.MSG_CMSG_CLOEXEC);
            while (received.Errno == Errno.EINTR);
            if (received.IsError)
                return received;
            Collect(control, (int)header.msg_controllen, descriptors);
            return (header.msg_flags & SysSocket.MSG_TRUNC) != 0 ? SysResult.Error(Errno.EMSGSIZE)
                : (header.msg_flags & SysSocket.MSG_CTRUNC) != 0 ? SysResult.Error(Errno.EMFILE)
                : received;
        }
    }

    /// <summary>The process at the other end when the socket was made, as this one's namespace numbers it.</summary>
    public ucred Peer()
    {
        ucred peer;
        uint length = (uint)sizeof(ucred);
        SysResult known = SysSocket.getsockopt(Descriptor, SysSocket.SOL_SOCKET, SysSocket.SO_PEERCRED, &peer, &length);
        return known.IsError ? new() { uid = uint.MaxValue, gid = uint.MaxValue } : peer;
    }

    /// <summary>The groups of the process at the other end when the socket was made.</summary>
    /// <param name="primary">Its gid, which is one of them.</param>
    public uint[] PeerGroups(uint primary)
    {
        uint[] groups = new uint[64];
        while (true)
        {
            uint bytes = (uint)(groups.Length * sizeof(uint));
            SysResult known;
            fixed (uint* first = groups)
                known = SysSocket.getsockopt(Descriptor, SysSocket.SOL_SOCKET, SysSocket.SO_PEERGROUPS, first, &bytes);
            if (!known.IsError)
                return [primary, .. groups.AsSpan(0, (int)bytes / sizeof(uint))];
            // ERANGE: the kernel says how many bytes there are.
            if (known.Errno != Errno.ERANGE || bytes <= groups.Length * sizeof(uint))
                return [primary];
            groups = new uint[bytes / sizeof(uint)];
        }
    }

    /// <summary>Really a Unix SEQPACKET socket: on such a one a send with MSG_DONTWAIT never blocks.</summary>
    public bool IsSeqPacket => Option(SysSocket.SO_DOMAIN) == SysSocket.AF_UNIX && Option(SysSocket.SO_TYPE) == SysSocket.SOCK_SEQPACKET;

    public void Dispose() => socket.Dispose();

    private static MessageSocket New(string host)
    {
        SysResult made = SysSocket.socket(SysSocket.AF_UNIX, Kind, 0);
        return made.IsError ? throw new NetmapException(made.Errno, "connect", host, "no socket; raise `ulimit -n`") : new(new SafeDescriptor(made.Int32));
    }

    private delegate SysResult AddressCall(void* address, uint length);

    private static SysResult WithAddress(string host, AddressCall call)
    {
        sockaddr_un address = new() { sun_family = SysSocket.AF_UNIX };
        byte[] name = Encoding.UTF8.GetBytes(host);
        if (name.Length is 0 or > 107)
            throw new NetmapException(Errno.EINVAL, "connect", host, "a server's address has 1 to 107 characters");
        for (int i = 0; i < name.Length; i++)
            address.sun_path[i] = name[i];
        bool isAbstract = name[0] == '@';
        if (isAbstract)
            address.sun_path[0] = 0;
        return call(&address, (uint)(sizeof(ushort) + name.Length + (isAbstract ? 0 : 1)));
    }

    private int Option(int name)
    {
        int value;
        uint length = sizeof(int);
        return SysSocket.getsockopt(Descriptor, SysSocket.SOL_SOCKET, name, &value, &length).IsError ? -1 : value;
    }

    private static void Collect(byte* control, int length, List<SafeDescriptor> descriptors)
    {
        for (int at = 0; at + sizeof(cmsghdr) <= length;)
        {
            cmsghdr* part = (cmsghdr*)(control + at);
            int bytes = (int)part->cmsg_len;
            if (bytes < sizeof(cmsghdr) || at + bytes > length)
                return;
            if (part->cmsg_level == SysSocket.SOL_SOCKET && part->cmsg_type == SysSocket.SCM_RIGHTS)
                foreach (int fd in new ReadOnlySpan<int>(part + 1, (bytes - sizeof(cmsghdr)) / sizeof(int)))
                    descriptors.Add(new SafeDescriptor(fd));
            at += (bytes + 7) & ~7;
        }
    }
}
