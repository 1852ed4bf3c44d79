using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/ioctl.h</c>.</summary>
internal static unsafe partial class SysIoctl
{
    public static SysResult ioctl(int fd, nuint request, void* argument) =>
        SysResult.From(native_ioctl(fd, request, argument));

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int native_ioctl(int fd, nuint request, void* argument);
}
