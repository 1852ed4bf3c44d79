using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/stat.h</c>.</summary>
[Abi("sys/stat.h")]
internal static unsafe partial class SysStat
{
    public const uint STATX_BASIC_STATS = 0x7ff;

    /// <summary>What a descriptor is open on.</summary>
    public static SysResult statx(int fd, statx* found) => SysResult.From(native_statx(fd, "", Fcntl.AT_EMPTY_PATH, STATX_BASIC_STATS, found));

    /// <summary>What a name stands for.</summary>
    public static SysResult statx(string path, statx* found) => SysResult.From(native_statx(Fcntl.AT_FDCWD, path, 0, STATX_BASIC_STATS, found));

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int native_statx(int directory, string path, int flags, uint mask, statx* found);
}

/// <summary>A file's identity and size.</summary>
[Abi("sys/stat.h", Name = "struct statx")]
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct statx
{
    [FieldOffset(20)]
    public uint stx_uid;

    [FieldOffset(28)]
    public ushort stx_mode;

    [FieldOffset(32)]
    public ulong stx_ino;

    /// <summary>Bytes.</summary>
    [FieldOffset(40)]
    public ulong stx_size;

    [FieldOffset(136)]
    public uint stx_dev_major;

    [FieldOffset(140)]
    public uint stx_dev_minor;
}
