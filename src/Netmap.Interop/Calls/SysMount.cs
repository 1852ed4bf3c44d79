using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/mount.h</c>.</summary>
[Abi("sys/mount.h")]
internal static partial class SysMount
{
    public const int MS_NOSUID = 0x2;
    public const int MS_NODEV = 0x4;
    public const int MS_NOEXEC = 0x8;
    public const int MS_REC = 0x4000;
    public const int MS_PRIVATE = 0x40000;

    public static SysResult mount(string source, string target, string? type, int flags) =>
        SysResult.From(native_mount(source, target, type, (nuint)flags, 0));

    [LibraryImport("libc", EntryPoint = "mount", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int native_mount(string source, string target, string? type, nuint flags, nint data);
}
