using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// Memory of a process, our own included, by its addresses: the kernel copies (process_vm_readv(2)), so a bad one is EFAULT
/// instead of a fault.
/// </summary>
internal static unsafe class ProcessMemory
{
    public static Errno Read(int pid, ulong address, Span<byte> destination)
    {
        fixed (byte* local = destination)
        {
            iovec here = new() { iov_base = local, iov_len = (nuint)destination.Length };
            iovec there = new() { iov_base = (void*)address, iov_len = (nuint)destination.Length };
            return Check(SysUio.process_vm_readv(pid, &here, 1, &there, 1), destination.Length);
        }
    }

    public static Errno Write(int pid, ulong address, ReadOnlySpan<byte> source)
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
