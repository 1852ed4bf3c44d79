using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>fcntl.h</c>.</summary>
[Abi("fcntl.h")]
internal static unsafe partial class Fcntl
{
    public const int O_RDONLY = 0;
    public const int O_RDWR = 2;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;

    public static SysResult open(string path, int flags) => SysResult.From(native_open(path, flags, 0));

    public static SysResult open(byte* path, int flags) => SysResult.From(native_open(path, flags, 0));

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int native_open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "open")]
    private static partial int native_open(byte* path, int flags, uint mode);
}
