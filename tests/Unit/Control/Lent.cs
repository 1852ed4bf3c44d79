using Netmap.Interop;

namespace Netmap.Tests.Unit.Control;

/// <summary>Memory as a program has it: mapped in this process, of a memfd unless told otherwise.</summary>
internal sealed unsafe class Lent : IDisposable
{
    private readonly SafeDescriptor? _file;

    public Lent(long size, int flags = SysMman.MAP_SHARED, int protection = SysMman.PROT_READ | SysMman.PROT_WRITE, long? length = null)
    {
        if ((flags & SysMman.MAP_ANONYMOUS) == 0)
        {
            _file = new SafeDescriptor(SysMman.memfd_create("lent", SysMman.MFD_CLOEXEC).Int32);
            Assert.False(Unistd.ftruncate(_file.Fd, size).IsError);
        }
        Length = length ?? size;
        Address = Map(_file, 0, Length, protection, flags);
    }

    private Lent(SafeDescriptor file, long offset, long length)
    {
        Length = length;
        Address = Map(file, offset, length, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED);
    }

    /// <summary>First byte; null once unmapped.</summary>
    public byte* Address { get; private set; }

    public long Length { get; }

    /// <summary>Part of the same file at another address.</summary>
    public Lent MappedAgain(long offset, long length) => new(_file!, offset, length);

    public void Dispose()
    {
        if (Address != null)
            SysMman.munmap(Address, (nuint)Length);
        Address = null;
        _file?.Dispose();
    }

    private static byte* Map(SafeDescriptor? file, long offset, long length, int protection, int flags)
    {
        SysResult mapped = SysMman.mmap(null, (nuint)length, protection, flags, file?.Fd ?? -1, offset);
        Assert.False(mapped.IsError, mapped.ToString());
        return (byte*)mapped.Value;
    }
}
