using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>Memory of a process, our own or another, by its addresses: the kernel copies, so a bad one is EFAULT instead of a fault.</summary>
internal sealed unsafe class ProcessMemory : IDisposable
{
    /// <summary>Null: our own.</summary>
    private readonly Lazy<SafeDescriptor?>? _file;

    private ProcessMemory() => Process = ClientProcess.Own;

    /// <summary>
    /// Another process's, on first use held by its memory itself (/proc/PID/mem) and not by its number: that is another program's after an
    /// exec. Where the process has other rights than its user's by then, or has ended, nothing of it can be read.
    /// </summary>
    /// <param name="process">Whose; the caller keeps it. Null where it is not known for certain: nothing can be read.</param>
    /// <param name="problem">Why it is not known.</param>
    public ProcessMemory(ClientProcess? process, Errno problem = Errno.Success) =>
        (Process, Problem, _file) = (process, problem, new(() => process is null ? null : Open(process)));

    public static ProcessMemory Own { get; } = new();

    /// <summary>Whose it is; null where that is not known for certain.</summary>
    public ClientProcess? Process { get; }

    /// <summary>Why it is not known: EOPNOTSUPP the kernel does not tell (before Linux 6.5), ESRCH the process is gone, EMFILE.</summary>
    public Errno Problem { get; }

    /// <summary>Memory of this process, which its own threads may wait for wherever they are.</summary>
    public bool IsOwn => _file is null;

    /// <summary>The process may be led to read itself by those it shares rings with: the server is its own, and theirs.</summary>
    public bool IsTrusting { get; init; }

    /// <summary>Whether slots in this memory are the process's alone, so that what they point to is what it means.</summary>
    public bool MayFollow(NetmapMemory slots) => IsTrusting
        || (Process is not null && slots.IsOnly(Process) && (IsOwn || (slots.IsPrivate && !slots.IsLent)));

    /// <returns>EFAULT not all of it can be read, or the process has another memory now.</returns>
    public Errno Read(ulong address, Span<byte> destination)
    {
        fixed (byte* local = destination)
            return Copy(address, local, (nuint)destination.Length, write: false);
    }

    /// <returns>EFAULT not all of it can be written, or the process has another memory now.</returns>
    public Errno Write(ulong address, ReadOnlySpan<byte> source)
    {
        fixed (byte* local = source)
            return Copy(address, local, (nuint)source.Length, write: true);
    }

    public void Dispose()
    {
        if (_file is { IsValueCreated: true })
            _file.Value?.Dispose();
    }

    private Errno Copy(ulong address, byte* local, nuint length, bool write)
    {
        if (length == 0)
            return Errno.Success;
        SysResult copied = _file is null ? CopyOwn(address, local, length, write) : CopyOther(_file.Value, address, local, length, write);
        return copied.Value == (long)length ? Errno.Success : Errno.EFAULT;
    }

    private static SysResult CopyOwn(ulong address, byte* local, nuint length, bool write)
    {
        iovec here = new() { iov_base = local, iov_len = length };
        iovec there = new() { iov_base = (void*)address, iov_len = length };
        return write ? SysUio.process_vm_writev(Environment.ProcessId, &here, 1, &there, 1)
            : SysUio.process_vm_readv(Environment.ProcessId, &here, 1, &there, 1);
    }

    private static SysResult CopyOther(SafeDescriptor? file, ulong address, byte* local, nuint length, bool write)
    {
        bool held = false;
        try
        {
            // Whoever ends the session does not wait for us, and its number may be another file's at once.
            file?.DangerousAddRef(ref held);
            return !held ? SysResult.Error(Errno.EFAULT)
                : write ? Unistd.pwrite(file!.Fd, local, length, (long)address)
                : Unistd.pread(file!.Fd, local, length, (long)address);
        }
        catch (ObjectDisposedException)
        {
            return SysResult.Error(Errno.EFAULT);
        }
        finally
        {
            if (held)
                file!.DangerousRelease();
        }
    }

    private static SafeDescriptor? Open(ClientProcess process)
    {
        string path = $"/proc/{process.Number}/mem";
        SysResult opened = Fcntl.open(path, Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
        if (opened.IsError)
            return null;
        SafeDescriptor file = new(opened.Int32);
        // Asked after the memory was opened: of a process that has got other rights (set-user-ID, capabilities) the owner is another one;
        // and one that lives still had its number all the while.
        statx found;
        if (!SysStat.statx(path, &found).IsError && found.stx_uid == process.User && process.IsAlive)
            return file;
        file.Dispose();
        return null;
    }
}
