using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// Part of a file that a program lends for rings and buffers (spec 1.4, extmem). Two that are equal are the same memory, whatever
/// descriptors and addresses programs know it by: their ports share one allocator.
/// </summary>
/// <param name="Device">Of the filesystem.</param>
/// <param name="Inode">Of the file.</param>
/// <param name="Offset">First byte, a multiple of the page.</param>
/// <param name="Length">Bytes, a multiple of the page.</param>
internal readonly record struct LentFile(ulong Device, ulong Inode, long Offset, long Length)
{
    private const int PageSize = 4096;
    private const int RegularFile = 0x8000;
    private const int FileTypes = 0xf000;

    /// <summary>Finds out which memory it is.</summary>
    /// <param name="descriptor">Open on the file.</param>
    /// <param name="offset">Where the memory begins in it.</param>
    /// <param name="bytes">How much of it; a page that is begun is used as a whole.</param>
    /// <param name="port">For the message.</param>
    /// <exception cref="NetmapException">EOPNOTSUPP not a file; EINVAL not at a page's start; EFAULT it ends before; ENOMEM nothing of it.</exception>
    public static unsafe LentFile Identify(int descriptor, long offset, ulong bytes, string port)
    {
        statx found;
        if (SysStat.statx(descriptor, &found).IsError || (found.stx_mode & FileTypes) != RegularFile)
            throw new NetmapException(Errno.EOPNOTSUPP, "lend memory", port, "only memory of a file can be lent: memfd_create, /dev/shm, hugetlbfs");
        ulong pages = (found.stx_size + PageSize - 1) & ~(PageSize - 1ul);
        if (bytes == 0)
            throw new NetmapException(Errno.ENOMEM, "lend memory", port, "no bytes of it; nr_memsize says how many");
        if (offset < 0 || offset % PageSize != 0)
            throw new NetmapException(Errno.EINVAL, "lend memory", port, $"it begins at byte {offset} of its file, which is not a page's start");
        if ((ulong)offset > pages || bytes > pages - (ulong)offset)
            throw new NetmapException(Errno.EFAULT, "lend memory", port,
                $"{bytes} bytes from byte {offset} on, of a file of {found.stx_size}; make the file longer (ftruncate)");
        return new(((ulong)found.stx_dev_major << 32) | found.stx_dev_minor, found.stx_ino, offset, (long)((bytes + PageSize - 1) & ~(PageSize - 1ul)));
    }

    /// <summary>
    /// Lending takes the right to write: otherwise a program that may only read the file would join those that share its memory, and be
    /// given a descriptor to write with.
    /// </summary>
    /// <exception cref="NetmapException">EACCES open for reading only; EBADF.</exception>
    public static void CheckAccess(int descriptor, string port)
    {
        SysResult flags = Fcntl.fcntl(descriptor, Fcntl.F_GETFL, 0);
        if (flags.IsError)
            throw new NetmapException(flags.Errno, "lend memory", port, "no such descriptor");
        if ((flags.Int32 & Fcntl.O_ACCMODE) != Fcntl.O_RDWR)
            throw new NetmapException(Errno.EACCES, "lend memory", port, "the file is not open for reading and writing; open it with O_RDWR");
    }

    /// <summary>Whether nobody can take pages of the file away from who has mapped it: a memfd with F_SEAL_SHRINK, not of huge pages.</summary>
    public static unsafe bool IsSealed(int descriptor)
    {
        SysResult seals = Fcntl.fcntl(descriptor, Fcntl.F_GET_SEALS, 0);
        statfs found;
        // Huge pages can run out where small ones make the kernel look for more.
        return !seals.IsError && (seals.Value & Fcntl.F_SEAL_SHRINK) != 0
            && !SysStatfs.fstatfs(descriptor, &found).IsError && found.f_type == SysStatfs.TMPFS_MAGIC;
    }

    /// <summary>Maps it.</summary>
    /// <param name="descriptor">Open on the file, for reading and writing; the region gets a duplicate.</param>
    /// <param name="port">For the message.</param>
    /// <exception cref="NetmapException">What the kernel says, such as EACCES; EFAULT, ENOMEM not all of it exists.</exception>
    public SharedRegion Map(int descriptor, string port)
    {
        SysResult copy = Fcntl.fcntl(descriptor, Fcntl.F_DUPFD_CLOEXEC, 0);
        if (copy.IsError)
            throw new NetmapException(copy.Errno, "lend memory", port, "no descriptor for its file; raise `ulimit -n`");
        SafeDescriptor own = new(copy.Int32);
        SharedRegion? region = null;
        try
        {
            region = new SharedRegion(own, Offset, Length);
            // A file that may shrink may lack pages now; better an error here than SIGBUS at a frame.
            Errno missing = IsSealed(own.Fd) ? Errno.Success : region.Populate();
            return missing == Errno.Success ? region
                : throw new NetmapException(missing, "lend memory", port, "not all of its pages can be had; is its filesystem full?");
        }
        catch
        {
            region?.Dispose();
            own.Dispose();
            throw;
        }
    }
}
