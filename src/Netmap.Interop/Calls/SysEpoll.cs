using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/epoll.h</c>.</summary>
[Abi("sys/epoll.h")]
internal static unsafe partial class SysEpoll
{
    public const int EPOLL_CLOEXEC = 0x80000;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const uint EPOLLIN = 0x001;
    public const uint EPOLLOUT = 0x004;
    public const uint EPOLLERR = 0x008;
    public const uint EPOLLHUP = 0x010;
    public const uint EPOLLET = 1u << 31;
    public const uint EPOLLONESHOT = 1u << 30;

    public static SysResult epoll_create1(int flags) => SysResult.From(native_create(flags));

    public static SysResult epoll_ctl(int epoll, int operation, int fd, epoll_event* what) =>
        SysResult.From(native_ctl(epoll, operation, fd, what));

    public static SysResult epoll_wait(int epoll, epoll_event* events, int count, int milliseconds) =>
        SysResult.From(native_wait(epoll, events, count, milliseconds));

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    private static partial int native_create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    private static partial int native_ctl(int epoll, int operation, int fd, epoll_event* what);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    private static partial int native_wait(int epoll, epoll_event* events, int count, int milliseconds);
}

/// <summary>Packed on x86-64 only; the <c>data</c> union is read as 64 bits.</summary>
[Abi("sys/epoll.h", Name = "struct epoll_event")]
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct epoll_event
{
    public uint events;
    public ulong data;
}
