using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/mman.h</c>.</summary>
[Abi("sys/mman.h")]
internal static unsafe partial class SysMman
{
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 0x01;
    public const int MAP_PRIVATE = 0x02;
    public const int MAP_FIXED = 0x10;
    public const int MAP_NORESERVE = 0x4000;
    public const int MAP_POPULATE = 0x8000;
    public const int MAP_ANONYMOUS = 0x20;
    public const int MAP_LOCKED = 0x2000;
    public const int MADV_DONTNEED = 4;
    public const int MADV_REMOVE = 9;
    public const int MADV_POPULATE_WRITE = 23;
    public const uint MFD_CLOEXEC = 1;
    public const uint MFD_ALLOW_SEALING = 2;
    public const uint MFD_HUGETLB = 4;

    /// <summary>The address, as a <see cref="SysResult"/>: user addresses are never negative, so MAP_FAILED is the error.</summary>
    public static SysResult mmap(void* address, nuint length, int protection, int flags, int fd, long offset) =>
        SysResult.From((long)native_mmap(address, length, protection, flags, fd, offset));

    public static SysResult munmap(void* address, nuint length) => SysResult.From(native_munmap(address, length));

    public static SysResult madvise(void* address, nuint length, int advice) =>
        SysResult.From(native_madvise(address, length, advice));

    public static SysResult memfd_create(string name, uint flags) => SysResult.From(native_memfd_create(name, flags));

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint native_mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int native_munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int native_madvise(void* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int native_memfd_create(string name, uint flags);
}
