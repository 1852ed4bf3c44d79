using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>poll.h</c>.</summary>
[Abi("poll.h")]
internal static unsafe partial class Poll
{
    public const short POLLIN = 0x001;
    public const short POLLPRI = 0x002;
    public const short POLLOUT = 0x004;
    public const short POLLERR = 0x008;
    public const short POLLHUP = 0x010;
    public const short POLLNVAL = 0x020;
    public const short POLLRDNORM = 0x040;
    public const short POLLWRNORM = 0x100;

    /// <summary>Waits at nanosecond resolution; a null <paramref name="timeout"/> waits for ever.</summary>
    public static SysResult ppoll(pollfd* fds, nuint count, timespec* timeout) =>
        SysResult.From(native_ppoll(fds, count, timeout, null));

    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int native_ppoll(pollfd* fds, nuint count, timespec* timeout, void* sigmask);
}

[Abi("poll.h", Name = "struct pollfd")]
[StructLayout(LayoutKind.Sequential)]
internal struct pollfd
{
    public int fd;
    public short events;
    public short revents;
}

[Abi("time.h", Name = "struct timespec")]
[StructLayout(LayoutKind.Sequential)]
internal struct timespec
{
    public long tv_sec;
    public long tv_nsec;
}
