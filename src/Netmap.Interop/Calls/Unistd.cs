using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>unistd.h</c>.</summary>
[Abi("unistd.h")]
internal static unsafe partial class Unistd
{
    private const string Libc = "libc";

    public const int STDERR_FILENO = 2;
    public const int SEEK_END = 2;

    public static SysResult read(int fd, void* buffer, nuint count) => SysResult.From(native_read(fd, buffer, count));

    public static SysResult write(int fd, void* buffer, nuint count) => SysResult.From(native_write(fd, buffer, count));

    public static SysResult pread(int fd, void* buffer, nuint count, long offset) => SysResult.From(native_pread(fd, buffer, count, offset));

    public static SysResult pwrite(int fd, void* buffer, nuint count, long offset) => SysResult.From(native_pwrite(fd, buffer, count, offset));

    public static SysResult close(int fd) => SysResult.From(native_close(fd));

    public static SysResult ftruncate(int fd, long length) => SysResult.From(native_ftruncate(fd, length));

    /// <summary>An id of uint.MaxValue leaves that one as it is.</summary>
    public static SysResult chown(string path, uint owner, uint group) => SysResult.From(native_chown(path, owner, group));

    public static SysResult lseek(int fd, long offset, int whence) => SysResult.From(native_lseek(fd, offset, whence));

    /// <summary>The bytes of a symbolic link; one that is longer is cut off.</summary>
    public static SysResult readlink(string path, byte* buffer, nuint size) => SysResult.From(native_readlink(path, buffer, size));

    public static uint geteuid() => native_geteuid();

    /// <summary>The kernel's id of the calling thread.</summary>
    public static int gettid() => native_gettid();

    [LibraryImport(Libc, EntryPoint = "read")]
    private static partial nint native_read(int fd, void* buffer, nuint count);

    [LibraryImport(Libc, EntryPoint = "write")]
    private static partial nint native_write(int fd, void* buffer, nuint count);

    [LibraryImport(Libc, EntryPoint = "pread")]
    private static partial nint native_pread(int fd, void* buffer, nuint count, long offset);

    [LibraryImport(Libc, EntryPoint = "pwrite")]
    private static partial nint native_pwrite(int fd, void* buffer, nuint count, long offset);

    [LibraryImport(Libc, EntryPoint = "close")]
    private static partial int native_close(int fd);

    [LibraryImport(Libc, EntryPoint = "ftruncate")]
    private static partial int native_ftruncate(int fd, long length);

    [LibraryImport(Libc, EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int native_chown(string path, uint owner, uint group);

    [LibraryImport(Libc, EntryPoint = "lseek")]
    private static partial long native_lseek(int fd, long offset, int whence);

    [LibraryImport(Libc, EntryPoint = "readlink", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint native_readlink(string path, byte* buffer, nuint size);

    [LibraryImport(Libc, EntryPoint = "geteuid")]
    private static partial uint native_geteuid();

    [LibraryImport(Libc, EntryPoint = "gettid")]
    private static partial int native_gettid();
}
