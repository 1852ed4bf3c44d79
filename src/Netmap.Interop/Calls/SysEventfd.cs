using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/eventfd.h</c>.</summary>
[Abi("sys/eventfd.h")]
internal static partial class SysEventfd
{
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;

    public static SysResult eventfd(uint initial, int flags) => SysResult.From(native_eventfd(initial, flags));

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int native_eventfd(uint initial, int flags);
}
