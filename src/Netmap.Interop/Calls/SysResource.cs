using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/resource.h</c>.</summary>
[Abi("sys/resource.h")]
internal static unsafe partial class SysResource
{
    public const int RLIMIT_NOFILE = 7;

    public static SysResult getrlimit(int resource, rlimit* limit) => SysResult.From(native_getrlimit(resource, limit));

    public static SysResult setrlimit(int resource, rlimit* limit) => SysResult.From(native_setrlimit(resource, limit));

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int native_getrlimit(int resource, rlimit* limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int native_setrlimit(int resource, rlimit* limit);
}

/// <summary>What a process may have now, and at most.</summary>
[Abi("sys/resource.h", Name = "struct rlimit")]
[StructLayout(LayoutKind.Sequential)]
internal struct rlimit
{
    public ulong rlim_cur;
    public ulong rlim_max;
}
