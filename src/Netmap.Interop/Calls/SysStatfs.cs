using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/statfs.h</c>, and the magic numbers of <c>linux/magic.h</c>.</summary>
[Abi("linux/magic.h")]
internal static unsafe partial class SysStatfs
{
    public const long TMPFS_MAGIC = 0x01021994;

    public static SysResult fstatfs(int fd, statfs* found) => SysResult.From(native_fstatfs(fd, found));

    [LibraryImport("libc", EntryPoint = "fstatfs")]
    private static partial int native_fstatfs(int fd, statfs* found);
}

/// <summary>What kind of filesystem a file is on.</summary>
[Abi("sys/statfs.h", Name = "struct statfs")]
[StructLayout(LayoutKind.Sequential, Size = 120)]
internal struct statfs
{
    public long f_type;
}
