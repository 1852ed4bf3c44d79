using Microsoft.Win32.SafeHandles;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap;

/// <summary>
/// Memory that a program brings for a port's rings and buffers (spec 1.4, NETMAP_REQ_OPT_EXTMEM): part of a file that is mapped
/// shared, such as a memfd, a file in /dev/shm, or one of huge pages. All ports whose programs bring the same part of the same file
/// are in one memory, of the shape the first one said, and exchange buffers. What is not interfaces and rings is buffers.
/// </summary>
/// <remarks>
/// The program may keep other mappings of the file, and give it to other processes. Whoever cuts the file off (ftruncate) while a
/// port is in it ends the process that hosts the port; a memfd of <see cref="CreateFile"/> cannot be cut off, and a server for
/// many takes nothing else.
/// </remarks>
public sealed record ExternalMemory
{
    /// <summary>The file, open for reading and writing; the port keeps the memory itself. Null: <see cref="Path"/> says it.</summary>
    public SafeFileHandle? File { get; init; }

    /// <summary>The file's name, where <see cref="File"/> is null; as <c>@extmem=PATH</c>.</summary>
    public string? Path { get; init; }

    /// <summary>Where in the file the memory begins, a multiple of the page.</summary>
    public long Offset { get; init; }

    /// <summary>Bytes of memory; 0 for all there are from <see cref="Offset"/> on.</summary>
    public long Length { get; init; }

    /// <summary>Objects for open ports, each takes one; 0 for the default, 2. As <c>if_num</c>.</summary>
    public int InterfaceCount { get; init; }

    /// <summary>Bytes of each, 56 and 8 more for each ring; 0 for the default, 1024. As <c>if_size</c>.</summary>
    public int InterfaceSize { get; init; }

    /// <summary>Rings; 0 for the default, 4. As <c>ring_num</c>.</summary>
    public int RingCount { get; init; }

    /// <summary>Bytes of each, 256 and 16 more for each slot; 0 for the default, 20480. As <c>ring_size</c>.</summary>
    public int RingSize { get; init; }

    /// <summary>Buffers there must be at least; 0 for the default, 4098. As <c>buf_num</c>.</summary>
    public int BufferCount { get; init; }

    /// <summary>Bytes of each, 64..65536; 0 for the default, 2048. As <c>buf_size</c>.</summary>
    public int BufferSize { get; init; }

    /// <summary>A memfd that is as long as this for ever: memory that any server takes.</summary>
    /// <param name="bytes">A multiple of the page.</param>
    /// <returns>For the caller to close; ports in it keep the memory.</returns>
    /// <exception cref="NetmapException">EINVAL, ENOMEM, EMFILE.</exception>
    public static SafeFileHandle CreateFile(long bytes)
    {
        SysResult made = SysMman.memfd_create("netmap-extmem", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING);
        SafeFileHandle file = new(made.IsError ? -1 : made.Int32, ownsHandle: true);
        SysResult done = made;
        if (!done.IsError)
            done = Unistd.ftruncate(made.Int32, bytes);
        if (!done.IsError)
            done = Fcntl.fcntl(made.Int32, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW | Fcntl.F_SEAL_SEAL);
        if (!done.IsError)
            return file;
        file.Dispose();
        throw new NetmapException(done.Errno, "create memory", null, $"no file of {bytes} bytes");
    }

    /// <summary>The file opened, for whoever makes the request.</summary>
    /// <exception cref="NetmapException">What opening it says; EINVAL no file, or a negative number.</exception>
    internal SafeFileHandle Open(string port)
    {
        if ((File is null) == (Path is null))
            throw new NetmapException(Errno.EINVAL, "open", port, "memory of your own is a File or a Path, one of them");
        if (Offset < 0 || Length < 0 || (InterfaceCount | InterfaceSize | RingCount | RingSize | BufferCount | BufferSize) < 0)
            throw new NetmapException(Errno.EINVAL, "open", port, "a number of the memory of your own is negative");
        // Another handle of the same file: a caller who closes his meanwhile does no harm.
        SysResult opened = File is { } file ? Duplicate(file) : Fcntl.open(Path!, Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
        return opened.IsError
            ? throw new NetmapException(opened.Errno, "open", port, $"{Path ?? "the file of the memory of your own"} cannot be opened for reading and writing")
            : new SafeFileHandle(opened.Int32, ownsHandle: true);
    }

    /// <summary>The option as a C program makes it. The address is not asked for: the file travels beside it.</summary>
    internal unsafe nmreq_opt_extmem Option(SafeFileHandle file)
    {
        statx found;
        SysResult known = SysStat.statx((int)file.DangerousGetHandle(), &found);
        ulong rest = known.IsError || found.stx_size < (ulong)Offset ? 0 : found.stx_size - (ulong)Offset;
        return new()
        {
            nro_opt = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_EXTMEM },
            nro_info = new()
            {
                nr_memsize = Length > 0 ? (ulong)Length : rest,
                nr_if_pool_objtotal = (uint)InterfaceCount,
                nr_if_pool_objsize = (uint)InterfaceSize,
                nr_ring_pool_objtotal = (uint)RingCount,
                nr_ring_pool_objsize = (uint)RingSize,
                nr_buf_pool_objtotal = (uint)BufferCount,
                nr_buf_pool_objsize = (uint)BufferSize,
            },
        };
    }

    /// <summary>What the request tells the engine of the file.</summary>
    internal LentDescriptor Lend(SafeFileHandle file) => new((int)file.DangerousGetHandle(), Offset);

    private static SysResult Duplicate(SafeFileHandle file)
    {
        bool held = false;
        try
        {
            file.DangerousAddRef(ref held);
            return Fcntl.fcntl((int)file.DangerousGetHandle(), Fcntl.F_DUPFD_CLOEXEC, 0);
        }
        finally
        {
            if (held)
                file.DangerousRelease();
        }
    }
}
