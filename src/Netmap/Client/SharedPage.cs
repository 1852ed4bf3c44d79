using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>
/// The page a session and its server share (docs/protocol.md): the one place that knows its words and their ordering. Each
/// side has its own mapping.
/// </summary>
internal sealed unsafe class SharedPage : IDisposable
{
    private nms_page* _page;

    /// <summary>Maps the page behind a descriptor.</summary>
    /// <exception cref="NetmapException">ENOMEM.</exception>
    public SharedPage(int descriptor)
    {
        SysResult mapped = SysMman.mmap(null, NmsH.NMS_PAGE_SIZE, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, descriptor, 0);
        if (mapped.IsError)
            throw new NetmapException(mapped.Errno, "attach", null, "a session's page cannot be mapped");
        _page = (nms_page*)mapped.Value;
    }

    ~SharedPage() => Unmap();

    /// <summary>Makes the memory of a page, sealed: nobody can cut it off under the other side.</summary>
    /// <exception cref="NetmapException">EMFILE, ENOMEM.</exception>
    public static SafeDescriptor Create()
    {
        SysResult made = SysMman.memfd_create("netmap-session", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING);
        if (made.IsError)
            throw new NetmapException(made.Errno, "attach", null, "no memory for a session");
        SafeDescriptor memory = new(made.Int32);
        nms_header magic = new() { magic = NmsH.NMS_MAGIC, version = NmsH.NMS_VERSION };
        if (Unistd.ftruncate(memory.Fd, NmsH.NMS_PAGE_SIZE).IsError || Unistd.write(memory.Fd, &magic, 8).IsError
            || Fcntl.fcntl(memory.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW | Fcntl.F_SEAL_SEAL).IsError)
        {
            memory.Dispose();
            throw new NetmapException(Errno.ENOMEM, "attach", null, "no memory for a session");
        }
        return memory;
    }

    /// <summary>A request in one word.</summary>
    public static ulong Post(uint sequence, byte operation, byte flags, ushort events) =>
        ((ulong)sequence << 32) | ((ulong)operation << 24) | ((ulong)flags << 16) | events;

    /// <summary>An answer in one word.</summary>
    public static ulong Done(uint sequence, short found, Errno result) =>
        ((ulong)sequence << 32) | ((ulong)(ushort)found << 16) | (ushort)result;

    public static uint SequenceOf(ulong word) => (uint)(word >> 32);

    /// <summary>
    /// The client's request. The exchange is a release: what the client wrote into its rings is visible before it; and a full fence
    /// before the read of <see cref="IsServerAsleep"/>, which pairs with the one in <see cref="SetAsleep"/>.
    /// </summary>
    public ulong Posted
    {
        // Load-acquire; read once, the copy is what counts.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _page->post);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Interlocked.Exchange(ref _page->post, value);
    }

    /// <summary>
    /// The server's answer: a release of what the sync wrote, and a full fence before the read of <see cref="IsClientWaiting"/>,
    /// which pairs with the one in <see cref="SetWaiting"/>.
    /// </summary>
    public ulong Answer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _page->done);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Interlocked.Exchange(ref _page->done, value);
    }

    /// <summary>Moves at news of an armed poll.</summary>
    public uint News => Volatile.Read(ref _page->news);

    /// <summary>
    /// The server's side: there is news. A full fence before the read of <see cref="IsClientWaiting"/>, which pairs with the one
    /// in <see cref="SetWaiting"/>.
    /// </summary>
    public void MoveNews() => Interlocked.Increment(ref _page->news);

    /// <summary>The server does not look at the page: the client must ring.</summary>
    public bool IsServerAsleep => Volatile.Read(ref _page->asleep) != 0;

    /// <summary>The client sleeps, or is about to: the server must wake it.</summary>
    public bool IsClientWaiting => Volatile.Read(ref _page->waiting) != 0;

    /// <summary>Before the client sleeps; it reads <see cref="Answer"/> once more after it.</summary>
    public void SetWaiting(bool waiting) => Interlocked.Exchange(ref _page->waiting, waiting ? 1u : 0u);

    /// <summary>Before the server stops looking; it reads <see cref="Posted"/> once more after it.</summary>
    public void SetAsleep(bool asleep) => Interlocked.Exchange(ref _page->asleep, asleep ? 1u : 0u);

    public void Dispose()
    {
        Unmap();
        GC.SuppressFinalize(this);
    }

    private void Unmap()
    {
        if (_page != null)
            SysMman.munmap(_page, NmsH.NMS_PAGE_SIZE);
        _page = null;
    }
}
