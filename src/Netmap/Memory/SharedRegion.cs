using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// Memory that other processes can map, mapped here once: an anonymous file of fixed size, part of a file that a program
/// lends, or an array of the kernel's that eBPF programs reach. Pages of files exist from the first touch on, those of an array
/// from the beginning. Owns the descriptor and the mapping. A region that is gone leaves zeros at its addresses, which stay
/// its own until nobody refers to it; see <see cref="AddressReserve"/> for spans that are kept even longer.
/// </summary>
internal sealed unsafe class SharedRegion : IDisposable
{
    private readonly SafeDescriptor _file;
    private readonly bool _lent;

    /// <summary>An anonymous file.</summary>
    /// <exception cref="NetmapException">ENOMEM, EMFILE.</exception>
    public SharedRegion(long length)
    {
        Length = length;
        SysResult fd = SysMman.memfd_create("netmap", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING);
        Check(fd, "create");
        _file = new SafeDescriptor(fd.Int32);
        try
        {
            Check(Unistd.ftruncate(_file.Fd, length), "size");
            // Whoever gets the descriptor must not be able to cut the memory off under us.
            Check(Fcntl.fcntl(_file.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW | Fcntl.F_SEAL_SEAL), "seal");
            SysResult mapped = MapOwn();
            Check(mapped, "map");
            Address = (byte*)mapped.Value;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Part of a file that a program lends; its contents stay when the region goes.</summary>
    /// <param name="file">Owned from now on.</param>
    /// <param name="offset">Where the part begins, a multiple of the page.</param>
    /// <param name="length">Bytes of it.</param>
    /// <exception cref="NetmapException">What the kernel says to mapping it, such as EACCES.</exception>
    public SharedRegion(SafeDescriptor file, long offset, long length)
        : this(file, offset, length, lent: true)
    {
    }

    private SharedRegion(SafeDescriptor file, long offset, long length, bool lent)
    {
        (_file, FileOffset, Length, _lent) = (file, offset, length, lent);
        SysResult mapped = MapOwn();
        if (mapped.IsError)
            throw new NetmapException(mapped.Errno, "map memory", null, "the file cannot be mapped shared, for reading and writing");
        Address = (byte*)mapped.Value;
    }

    /// <summary>A mapped eBPF array.</summary>
    /// <param name="array">Owned from now on.</param>
    /// <param name="length">Bytes of it, from its beginning.</param>
    /// <exception cref="NetmapException">ENOMEM.</exception>
    public static SharedRegion OfArray(SafeDescriptor array, long length) => new(array, 0, length, lent: false) { IsArray = true };

    /// <summary>eBPF programs reach it.</summary>
    public bool IsArray { get; private init; }

    /// <summary>Bytes, a multiple of the page.</summary>
    public long Length { get; }

    /// <summary>Where the region begins in its file.</summary>
    public long FileOffset { get; }

    /// <summary>First byte of the engine's own mapping; null once disposed.</summary>
    public byte* Address { get; private set; }

    /// <summary>The file, for passing to other processes.</summary>
    public int Descriptor => _file.Fd;

    /// <summary>Another descriptor of the file, for its caller to close: the region may be retired meanwhile.</summary>
    /// <exception cref="NetmapException">EMFILE.</exception>
    public SafeDescriptor Duplicate()
    {
        SysResult copy = Fcntl.fcntl(_file.Fd, Fcntl.F_DUPFD_CLOEXEC, 0);
        Check(copy, "pass on");
        return new SafeDescriptor(copy.Int32);
    }

    /// <summary>One more mapping of part of the region, for its caller to unmap.</summary>
    public byte* Map(long offset, long length)
    {
        SysResult mapped = SysMman.mmap(null, (nuint)length, SysMman.PROT_READ | SysMman.PROT_WRITE, MapFlags, _file.Fd, FileOffset + offset);
        Check(mapped, "map");
        return (byte*)mapped.Value;
    }

    /// <summary>Makes all pages exist now, as far as the file and the system have them.</summary>
    /// <returns>EFAULT where touching them would raise SIGBUS; ENOMEM.</returns>
    public Errno Populate()
    {
        Errno result = SysMman.madvise(Address, (nuint)Length, SysMman.MADV_POPULATE_WRITE).Errno;
        // Kernels before 5.14 do not know it.
        return result == Errno.EINVAL ? Errno.Success : result;
    }

    ~SharedRegion() => LetGo();

    /// <summary>
    /// Maps pages anew when they are next touched; their bytes stay, since the file has them. Whoever has the kernel pin the
    /// region has every page mapped, and a killed process unmaps them all before it lets go of anything else. An array's pages
    /// stay: it has no way to map one later.
    /// </summary>
    public void Unload()
    {
        if (!IsArray)
            SysMman.madvise(Address, (nuint)Length, SysMman.MADV_DONTNEED);
    }

    /// <summary>Closes the descriptor, and lets go of the pages unless they are lent; the addresses stay readable.</summary>
    /// <param name="pages">Takes them from programs that have them, too; null where none has.</param>
    public void Retire(PageReturn? pages)
    {
        if (!_lent)
            AddressReserve.TryEmpty(Address, (nuint)Length);
        if (pages is null || _lent || IsArray)
            _file.Dispose();
        else
            pages.Take(_file, Length);
    }

    /// <summary>For a region that no span has been given out of.</summary>
    public void Dispose()
    {
        _file.Dispose();
        LetGo();
        GC.SuppressFinalize(this);
    }

    private int MapFlags => SysMman.MAP_SHARED | (_lent ? 0 : SysMman.MAP_NORESERVE);

    private SysResult MapOwn() => AddressReserve.Map((nuint)Length, MapFlags, _file.Fd, FileOffset);

    private void LetGo()
    {
        if (Address != null)
            AddressReserve.Return(Address, (nuint)Length);
        Address = null;
    }

    private void Check(SysResult result, string step)
    {
        if (result.IsError)
            throw new NetmapException(result.Errno, $"{step} memory", null, result.Errno is Errno.EMFILE or Errno.ENFILE
                ? "no descriptors left; raise `ulimit -n`"
                : $"no {Length >> 20} MiB of shared memory; ask for fewer or smaller buffers (BufferCount, BufferSize)");
    }
}
