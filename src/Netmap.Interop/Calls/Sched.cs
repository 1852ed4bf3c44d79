using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sched.h</c>.</summary>
[Abi("sched.h")]
internal static unsafe partial class Sched
{
    public const int CLONE_NEWNS = 0x00020000;
    public const int CLONE_NEWUSER = 0x10000000;
    public const int CLONE_NEWNET = 0x40000000;

    public static SysResult unshare(int flags) => SysResult.From(native_unshare(flags));

    public static SysResult setns(int fd, int type) => SysResult.From(native_setns(fd, type));

    /// <summary>Pins a thread (0: the calling one) to the CPUs whose bits are set.</summary>
    public static SysResult sched_setaffinity(int thread, nuint bytes, void* mask) =>
        SysResult.From(native_setaffinity(thread, bytes, mask));

    [LibraryImport("libc", EntryPoint = "unshare")]
    private static partial int native_unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns")]
    private static partial int native_setns(int fd, int type);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int native_setaffinity(int thread, nuint bytes, void* mask);
}
