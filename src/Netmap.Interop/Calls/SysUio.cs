using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/uio.h</c>.</summary>
[Abi("sys/uio.h")]
internal static unsafe partial class SysUio
{
    public const int RWF_NOWAIT = 8;

    /// <summary>Reads from where the file is (offset -1), or from an offset; with RWF_NOWAIT it is EAGAIN where it would wait.</summary>
    public static SysResult preadv2(int fd, iovec* parts, int count, long offset, int flags) =>
        SysResult.From(native_preadv2(fd, parts, count, offset, flags));

    /// <summary>Copies from another process's (or our own) memory; a bad address is EFAULT or a short count, not a fault.</summary>
    public static SysResult process_vm_readv(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes) =>
        SysResult.From(native_readv(pid, local, locals, remote, remotes, 0));

    /// <inheritdoc cref="process_vm_readv"/>
    public static SysResult process_vm_writev(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes) =>
        SysResult.From(native_writev(pid, local, locals, remote, remotes, 0));

    [LibraryImport("libc", EntryPoint = "preadv2")]
    private static partial nint native_preadv2(int fd, iovec* parts, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "process_vm_readv")]
    private static partial nint native_readv(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes, nuint flags);

    [LibraryImport("libc", EntryPoint = "process_vm_writev")]
    private static partial nint native_writev(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes, nuint flags);
}

[Abi("sys/uio.h", Name = "struct iovec")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct iovec
{
    public void* iov_base;
    public nuint iov_len;
}
