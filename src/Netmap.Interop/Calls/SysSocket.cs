using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/socket.h</c>.</summary>
[Abi("sys/socket.h")]
internal static unsafe partial class SysSocket
{
    public const int AF_UNSPEC = 0;
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int AF_INET6 = 10;
    public const int AF_NETLINK = 16;
    public const int AF_PACKET = 17;
    public const int SOCK_DGRAM = 2;
    public const int SOCK_RAW = 3;
    public const int SOCK_SEQPACKET = 5;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int SOCK_NONBLOCK = 0x800;
    public const int SOL_SOCKET = 1;
    public const int SOL_PACKET = 263;
    public const int SOL_NETLINK = 270;
    public const int SO_TYPE = 3;
    public const int SO_ERROR = 4;
    public const int SO_SNDBUF = 7;
    public const int SO_RCVBUF = 8;
    public const int SO_LINGER = 13;
    public const int SO_PASSCRED = 16;
    public const int SO_PEERCRED = 17;
    public const int SO_TIMESTAMP = 29;
    public const int SO_PEERGROUPS = 59;
    public const int SO_SNDBUFFORCE = 32;
    public const int SO_RCVBUFFORCE = 33;
    public const int SO_PASSSEC = 34;
    public const int SO_DOMAIN = 39;
    public const int SO_BUSY_POLL = 46;
    public const int SO_INCOMING_NAPI_ID = 56;
    public const int SO_PREFER_BUSY_POLL = 69;
    public const int SO_BUSY_POLL_BUDGET = 70;
    [Abi("sys/socket.h", Since = "6.5")]
    public const int SO_PASSPIDFD = 76;

    /// <summary>Gives a pidfd.</summary>
    [Abi("sys/socket.h", Since = "6.5")]
    public const int SO_PEERPIDFD = 77;

    public const int MSG_DONTWAIT = 0x40;
    public const int MSG_TRUNC = 0x20;
    public const int MSG_PEEK = 0x02;
    public const int MSG_CTRUNC = 0x08;
    public const int MSG_NOSIGNAL = 0x4000;
    public const int MSG_CMSG_CLOEXEC = 0x40000000;
    public const int SCM_RIGHTS = 1;
    [NotAbiField("in the C library's header since glibc 2.39 only")]
    public const int SCM_PIDFD = 4;
    public const int SHUT_RDWR = 2;

    public static SysResult socket(int domain, int type, int protocol) => SysResult.From(native_socket(domain, type, protocol));

    public static SysResult bind(int fd, void* address, uint length) => SysResult.From(native_bind(fd, address, length));

    public static SysResult getsockname(int fd, void* address, uint* length) =>
        SysResult.From(native_getsockname(fd, address, length));

    public static SysResult getpeername(int fd, void* address, uint* length) =>
        SysResult.From(native_getpeername(fd, address, length));

    public static SysResult shutdown(int fd, int how) => SysResult.From(native_shutdown(fd, how));

    public static SysResult setsockopt(int fd, int level, int name, void* value, uint length) =>
        SysResult.From(native_setsockopt(fd, level, name, value, length));

    public static SysResult getsockopt(int fd, int level, int name, void* value, uint* length) =>
        SysResult.From(native_getsockopt(fd, level, name, value, length));

    public static SysResult send(int fd, void* data, nuint length, int flags) =>
        SysResult.From(native_send(fd, data, length, flags));

    public static SysResult recv(int fd, void* data, nuint length, int flags) =>
        SysResult.From(native_recv(fd, data, length, flags));

    public static SysResult sendto(int fd, void* data, nuint length, int flags, void* address, uint addressLength) =>
        SysResult.From(native_sendto(fd, data, length, flags, address, addressLength));

    public static SysResult listen(int fd, int backlog) => SysResult.From(native_listen(fd, backlog));

    /// <summary>accept4 without the peer's address.</summary>
    public static SysResult accept4(int fd, int flags) => SysResult.From(native_accept4(fd, null, null, flags));

    public static SysResult connect(int fd, void* address, uint length) => SysResult.From(native_connect(fd, address, length));

    /// <param name="pair">Two descriptors.</param>
    public static SysResult socketpair(int domain, int type, int protocol, int* pair) =>
        SysResult.From(native_socketpair(domain, type, protocol, pair));

    public static SysResult sendmsg(int fd, msghdr* message, int flags) => SysResult.From(native_sendmsg(fd, message, flags));

    public static SysResult recvmsg(int fd, msghdr* message, int flags) => SysResult.From(native_recvmsg(fd, message, flags));

    public static SysResult sendmmsg(int fd, mmsghdr* messages, uint count, int flags) =>
        SysResult.From(native_sendmmsg(fd, messages, count, flags));

    public static SysResult setsockopt(int fd, int level, int name, int value) =>
        setsockopt(fd, level, name, &value, sizeof(int));

    [LibraryImport("libc", EntryPoint = "socket")]
    private static partial int native_socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind")]
    private static partial int native_bind(int fd, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "getsockname")]
    private static partial int native_getsockname(int fd, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "getpeername")]
    private static partial int native_getpeername(int fd, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    private static partial int native_shutdown(int fd, int how);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int native_setsockopt(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static partial int native_getsockopt(int fd, int level, int name, void* value, uint* length);

    [LibraryImport("libc", EntryPoint = "send")]
    private static partial nint native_send(int fd, void* data, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv")]
    private static partial nint native_recv(int fd, void* data, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendto")]
    private static partial nint native_sendto(int fd, void* data, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport("libc", EntryPoint = "listen")]
    private static partial int native_listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4")]
    private static partial int native_accept4(int fd, void* address, uint* length, int flags);

    [LibraryImport("libc", EntryPoint = "connect")]
    private static partial int native_connect(int fd, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "socketpair")]
    private static partial int native_socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    private static partial nint native_sendmsg(int fd, msghdr* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg")]
    private static partial nint native_recvmsg(int fd, msghdr* message, int flags);

    [LibraryImport("libc", EntryPoint = "sendmmsg")]
    private static partial int native_sendmmsg(int fd, mmsghdr* messages, uint count, int flags);
}

[Abi("sys/socket.h", Name = "struct msghdr")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct msghdr
{
    public void* msg_name;
    public uint msg_namelen;
    public iovec* msg_iov;
    public nuint msg_iovlen;
    public void* msg_control;
    public nuint msg_controllen;
    public int msg_flags;
}

[Abi("sys/socket.h", Name = "struct mmsghdr")]
[StructLayout(LayoutKind.Sequential)]
internal struct mmsghdr
{
    public msghdr msg_hdr;
    public uint msg_len;
}

/// <summary>The data follows at once; on 64 bits both are aligned alike.</summary>
[Abi("sys/socket.h", Name = "struct cmsghdr")]
[StructLayout(LayoutKind.Sequential)]
internal struct cmsghdr
{
    public nuint cmsg_len;
    public int cmsg_level;
    public int cmsg_type;
}

[Abi("sys/socket.h", Name = "struct ucred")]
[StructLayout(LayoutKind.Sequential)]
internal struct ucred
{
    public int pid;
    public uint uid;
    public uint gid;
}
