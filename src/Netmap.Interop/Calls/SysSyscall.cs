using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>
/// <c>sys/syscall.h</c>: user and groups of the calling thread alone, which the C library's functions of these names change for all threads.
/// x86-64 only. For clients of several users in one process, as tests have them.
/// </summary>
[Abi("sys/syscall.h")]
internal static unsafe partial class SysSyscall
{
    public const int SYS_setgroups = 116;
    public const int SYS_setresuid = 117;
    public const int SYS_setresgid = 119;

    public static SysResult setgroups(ReadOnlySpan<uint> groups)
    {
        fixed (uint* list = groups)
            return SysResult.From(native_syscall(SYS_setgroups, groups.Length, (nint)list, 0));
    }

    /// <summary>Real, effective and saved.</summary>
    public static SysResult setresuid(uint user) => SysResult.From(native_syscall(SYS_setresuid, (nint)user, (nint)user, (nint)user));

    /// <summary>Real, effective and saved.</summary>
    public static SysResult setresgid(uint group) => SysResult.From(native_syscall(SYS_setresgid, (nint)group, (nint)group, (nint)group));

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = false)]
    private static partial nint native_syscall(nint number, nint first, nint second, nint third);
}
