using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// The memory of the process that issued a request, our own included. Bad addresses give EFAULT instead of a fault:
/// the kernel copies (process_vm_readv(2)).
/// </summary>
internal readonly unsafe struct CallerMemory(int pid)
{
    /// <summary>The memory of this process.</summary>
    public static CallerMemory Own { get; } = new(Environment.ProcessId);

    public Errno Read<T>(ulong address, out T value)
        where T : unmanaged
    {
        Unsafe.SkipInit(out value);
        fixed (T* local = &value)
            return Read(address, new Span<byte>(local, sizeof(T)));
    }

    public Errno Read(ulong address, Span<byte> destination)
    {
        fixed (byte* local = destination)
        {
            iovec here = new() { iov_base = local, iov_len = (nuint)destination.Length };
            iovec there = new() { iov_base = (void*)address, iov_len = (nuint)destination.Length };
            return Check(SysUio.process_vm_readv(pid, &here, 1, &there, 1), destination.Length);
        }
    }

    public Errno Write<T>(ulong address, in T value)
        where T : unmanaged
    {
        fixed (T* local = &value)
            return Write(address, new ReadOnlySpan<byte>(local, sizeof(T)));
    }

    public Errno Write(ulong address, ReadOnlySpan<byte> source)
    {
        fixed (byte* local = source)
        {
            iovec here = new() { iov_base = local, iov_len = (nuint)source.Length };
            iovec there = new() { iov_base = (void*)address, iov_len = (nuint)source.Length };
            return Check(SysUio.process_vm_writev(pid, &here, 1, &there, 1), source.Length);
        }
    }

    private static Errno Check(SysResult copied, int wanted) =>
        copied.IsError || copied.Value != wanted ? Errno.EFAULT : Errno.Success;
}
