using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/uio.h</c>.</summary>
internal static unsafe partial class SysUio
{
    /// <summary>Copies from another process's (or our own) memory; a bad address is EFAULT or a short count, not a fault.</summary>
    public static SysResult process_vm_readv(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes) =>
        SysResult.From(native_readv(pid, local, locals, remote, remotes, 0));

    /// <inheritdoc cref="process_vm_readv"/>
    public static SysResult process_vm_writev(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes) =>
        SysResult.From(native_writev(pid, local, locals, remote, remotes, 0));

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
