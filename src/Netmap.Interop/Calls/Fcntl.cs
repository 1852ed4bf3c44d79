using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>fcntl.h</c>.</summary>
[Abi("fcntl.h")]
internal static unsafe partial class Fcntl
{
    public const int O_RDONLY = 0;
    public const int O_RDWR = 2;
    public const int O_ACCMODE = 3;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_FDCWD = -100;

    public const int F_DUPFD_CLOEXEC = 1030;
    public const int F_GETFL = 3;
    public const int F_ADD_SEALS = 1033;
    public const int F_GET_SEALS = 1034;
    public const int F_SEAL_SEAL = 1;
    public const int F_SEAL_SHRINK = 2;
    public const int F_SEAL_GROW = 4;

    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    public static SysResult fallocate(int fd, int mode, long offset, long length) => SysResult.From(native_fallocate(fd, mode, offset, length));

    public static SysResult fcntl(int fd, int command, int argument) => SysResult.From(native_fcntl(fd, command, argument));

    public static SysResult open(string path, int flags) => SysResult.From(native_open(path, flags, 0));

    // Variadic in C; on the ABIs we run on the third argument travels as any other.
    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int native_fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "fallocate")]
    private static partial int native_fallocate(int fd, int mode, long offset, long length);

    public static SysResult open(byte* path, int flags) => SysResult.From(native_open(path, flags, 0));

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int native_open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "open")]
    private static partial int native_open(byte* path, int flags, uint mode);
}
