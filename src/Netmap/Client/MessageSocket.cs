using System.Text;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>A Unix SEQPACKET socket that carries messages of the server's protocol, descriptors with them. Owns it.</summary>
internal sealed unsafe class MessageSocket(SafeDescriptor socket) : IDisposable
{
    private const int Kind = SysSocket.SOCK_SEQPACKET | SysSocket.SOCK_CLOEXEC;

    /// <summary>Descriptors that one message can bring: as many as the kernel lets travel (SCM_MAX_FD), and a pidfd (SO_PASSPIDFD).</summary>
    public const int MostDescriptors = 253 + 1;

    /// <summary>
    /// Room for all that the kernel can add, whatever options the other side has set on our end: descriptors, credentials, a security label,
    /// time stamps. What finds no room the kernel drops, on the thread that receives; and dropping a descriptor may take for ever.
    /// </summary>
    private const int ControlSize = 8192;

    public int Descriptor => socket.Fd;

    /// <summary>The descriptor's owner; closed by <see cref="Dispose"/>.</summary>
    public SafeDescriptor Handle => socket;

    /// <summary>Connects to a server.</summary>
    /// <param name="host">A path, or <c>@name</c> for an abstract address.</param>
    /// <exception cref="NetmapException">ENOENT, ECONNREFUSED, EACCES, EMFILE; EPERM the server there is a stranger's.</exception>
    public static MessageSocket Connect(string host)
    {
        MessageSocket made = New(host);
        SysResult connected = WithAddress(host, (address, length) => SysSocket.connect(made.Descriptor, address, length));
        if (!connected.IsError)
        {
            CheckServer(made, host);
            return made;
        }
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
    /// <param name="message">Room for it.</param>
    /// <param name="descriptors">Those that were sent are added.</param>
    /// <param name="flags">MSG_DONTWAIT, or 0.</param>
    /// <param name="own">Makes a descriptor's owner; one that closes it at once by default.</param>
    /// <returns>Bytes; 0 when the other side is gone; EMSGSIZE the message was cut off; EMFILE descriptors were, as there are none left.</returns>
    public SysResult Receive(Span<byte> message, List<SafeDescriptor> descriptors, int flags = 0, Func<int, SafeDescriptor>? own = null)
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
            Collect(control, (int)header.msg_controllen, descriptors, own);
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

    /// <summary>Neither end has a name: the process of <see cref="Peer"/> made them as a pair, and no other one listened or connected.</summary>
    public bool IsPair
    {
        get
        {
            sockaddr_un name;
            uint ours = (uint)sizeof(sockaddr_un), theirs = ours;
            return !SysSocket.getsockname(Descriptor, &name, &ours).IsError && ours == sizeof(ushort)
                && !SysSocket.getpeername(Descriptor, &name, &theirs).IsError && theirs == sizeof(ushort);
        }
    }

    /// <summary>The other side finds it closed, also while it is still to be closed here. Drops nothing that waits in it.</summary>
    public void Shutdown() => SysSocket.shutdown(Descriptor, SysSocket.SHUT_RDWR);

    public void Dispose() => socket.Dispose();

    /// <summary>
    /// An abstract address has no permissions: any user may listen there, and who uses a port trusts its server. So it must be this user's
    /// or root's. A path says itself whose it is.
    /// </summary>
    private static void CheckServer(MessageSocket connection, string host)
    {
        uint server = connection.Peer().uid;
        if (!host.StartsWith('@') || server == 0 || server == Unistd.geteuid())
            return;
        connection.Dispose();
        throw new NetmapException(Errno.EPERM, "connect", host,
            $"the server there is user {server}'s, neither yours nor root's; choose another address, or a path");
    }

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

    /// <summary>A pidfd that the other side has ordered (SO_PASSPIDFD) is no part of the message and is let go; a negative one is an error.</summary>
    private static void Collect(byte* control, int length, List<SafeDescriptor> descriptors, Func<int, SafeDescriptor>? own)
    {
        for (int at = 0; at + sizeof(cmsghdr) <= length;)
        {
            cmsghdr* part = (cmsghdr*)(control + at);
            int bytes = (int)part->cmsg_len;
            if (bytes < sizeof(cmsghdr) || at + bytes > length)
                return;
            bool isPidfd = part->cmsg_type == SysSocket.SCM_PIDFD;
            if (part->cmsg_level == SysSocket.SOL_SOCKET && (isPidfd || part->cmsg_type == SysSocket.SCM_RIGHTS))
            {
                foreach (int fd in new ReadOnlySpan<int>(part + 1, (bytes - sizeof(cmsghdr)) / sizeof(int)))
                    Take(fd, isPidfd);
            }
            at += (bytes + 7) & ~7;
        }

        void Take(int fd, bool isPidfd)
        {
            if (fd < 0)
                return;
            SafeDescriptor taken = own is null ? new SafeDescriptor(fd) : own(fd);
            if (isPidfd)
                taken.Dispose();
            else
                descriptors.Add(taken);
        }
    }
}
