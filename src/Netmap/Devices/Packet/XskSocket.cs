using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>
/// An XDP socket in copy mode, for sending only (the kernel's Documentation/networking/af_xdp.rst): frames lie in memory
/// shared with the kernel, descriptors go through one ring and come back through another. Owns socket and rings.
/// </summary>
internal sealed unsafe class XskSocket : IDisposable
{
    private readonly SafeDescriptor _socket;
    private readonly uint _mask;
    private byte* _tx;
    private byte* _completions;
    private nuint _txBytes;
    private nuint _completionBytes;
    private xdp_mmap_offsets _offsets;

    private XskSocket(SafeDescriptor socket, uint entries)
    {
        _socket = socket;
        _mask = entries - 1;
    }

    public int Fd => _socket.Fd;

    public uint Entries => _mask + 1;

    private uint* TxProducer => (uint*)(_tx + _offsets.tx.producer);

    private uint* TxConsumer => (uint*)(_tx + _offsets.tx.consumer);

    private xdp_desc* TxDescriptors => (xdp_desc*)(_tx + _offsets.tx.desc);

    private uint* CompletionProducer => (uint*)(_completions + _offsets.cr.producer);

    private uint* CompletionConsumer => (uint*)(_completions + _offsets.cr.consumer);

    private ulong* CompletionAddresses => (ulong*)(_completions + _offsets.cr.desc);

    /// <summary>Makes a socket over <paramref name="pool"/>'s memory, bound to a transmit queue of an interface.</summary>
    /// <param name="pool">Chunks of 2048 or 4096 bytes.</param>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="queue">Transmit queue.</param>
    /// <param name="entries">Ring entries, a power of two.</param>
    /// <param name="error">EBUSY another XDP socket has the queue; EPERM; ENOBUFS no memory may be pinned.</param>
    public static XskSocket? TryOpen(MbufPool pool, int interfaceIndex, int queue, uint entries, out Errno error)
    {
        SysResult fd = SysSocket.socket(SysSocketXdp.AF_XDP, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        error = fd.Errno;
        if (fd.IsError)
            return null;
        XskSocket socket = new(new SafeDescriptor(fd.Int32), entries);
        error = socket.SetUp(pool, interfaceIndex, queue);
        if (error == Errno.Success)
            return socket;
        socket.Dispose();
        return null;
    }

    /// <summary>Descriptors that can be queued now.</summary>
    public uint Room => Entries - (*TxProducer - Volatile.Read(ref *TxConsumer));

    /// <summary>Queued descriptors the kernel has not taken yet.</summary>
    public uint Untaken => *TxProducer - Volatile.Read(ref *TxConsumer);

    /// <summary>Bytes of the descriptor the kernel took last.</summary>
    public int LastTaken => (int)TxDescriptors[(Volatile.Read(ref *TxConsumer) - 1) & _mask].len;

    /// <summary>Writes a descriptor without showing it to the kernel yet; <paramref name="ahead"/> counts from the last shown.</summary>
    public void Write(uint ahead, ulong address, int length) =>
        TxDescriptors[(*TxProducer + ahead) & _mask] = new() { addr = address, len = (uint)length };

    /// <summary>Shows descriptors to the kernel. Store-release: pairs with its load-acquire of the producer.</summary>
    public void Submit(uint count) => Volatile.Write(ref *TxProducer, *TxProducer + count);

    /// <summary>Has the kernel send what was submitted; it takes a bounded number a call.</summary>
    public SysResult Kick() => SysSocket.sendto(Fd, null, 0, SysSocket.MSG_DONTWAIT, null, 0);

    /// <summary>The address of a completed frame. Load-acquire: pairs with the kernel's store-release of the producer.</summary>
    public bool TryComplete(out ulong address)
    {
        uint consumer = *CompletionConsumer;
        if (Volatile.Read(ref *CompletionProducer) == consumer)
        {
            address = 0;
            return false;
        }
        address = CompletionAddresses[consumer & _mask];
        Volatile.Write(ref *CompletionConsumer, consumer + 1);
        return true;
    }

    public void Dispose()
    {
        if (_tx != null)
            SysMman.munmap(_tx, _txBytes);
        if (_completions != null)
            SysMman.munmap(_completions, _completionBytes);
        _tx = _completions = null;
        _socket.Dispose();
    }

    private Errno SetUp(MbufPool pool, int interfaceIndex, int queue)
    {
        xdp_umem_reg memory = new() { addr = (ulong)pool.Memory, len = (ulong)pool.Bytes, chunk_size = (uint)pool.Capacity };
        Errno error = Set(LinuxIfXdp.XDP_UMEM_REG, memory);
        // The kernel wants a fill ring too, though nothing is received.
        error = error == Errno.Success ? Set(LinuxIfXdp.XDP_UMEM_FILL_RING, Entries) : error;
        error = error == Errno.Success ? Set(LinuxIfXdp.XDP_UMEM_COMPLETION_RING, Entries) : error;
        error = error == Errno.Success ? Set(LinuxIfXdp.XDP_TX_RING, Entries) : error;
        // Frames a call: 32 on kernels that do not know the option.
        Set(LinuxIfXdp.XDP_MAX_TX_SKB_BUDGET, Entries);
        uint length = (uint)sizeof(xdp_mmap_offsets);
        fixed (xdp_mmap_offsets* offsets = &_offsets)
        {
            if (error == Errno.Success)
                error = SysSocket.getsockopt(Fd, SysSocketXdp.SOL_XDP, LinuxIfXdp.XDP_MMAP_OFFSETS, offsets, &length).Errno;
        }
        if (error != Errno.Success)
            return error;
        _txBytes = (nuint)(_offsets.tx.desc + (Entries * (ulong)sizeof(xdp_desc)));
        _completionBytes = (nuint)(_offsets.cr.desc + (Entries * sizeof(ulong)));
        _tx = Map(_txBytes, LinuxIfXdp.XDP_PGOFF_TX_RING, ref error);
        _completions = Map(_completionBytes, LinuxIfXdp.XDP_UMEM_PGOFF_COMPLETION_RING, ref error);
        return error == Errno.Success ? Bind(interfaceIndex, queue) : error;
    }

    private Errno Bind(int interfaceIndex, int queue)
    {
        sockaddr_xdp address = new()
        {
            sxdp_family = SysSocketXdp.AF_XDP,
            sxdp_flags = LinuxIfXdp.XDP_COPY,
            sxdp_ifindex = (uint)interfaceIndex,
            sxdp_queue_id = (uint)queue,
        };
        return SysSocket.bind(Fd, &address, (uint)sizeof(sockaddr_xdp)).Errno;
    }

    private Errno Set<T>(int option, in T value)
        where T : unmanaged
    {
        fixed (T* address = &value)
            return SysSocket.setsockopt(Fd, SysSocketXdp.SOL_XDP, option, address, (uint)sizeof(T)).Errno;
    }

    private byte* Map(nuint bytes, long offset, ref Errno error)
    {
        SysResult mapped = SysMman.mmap(null, bytes, SysMman.PROT_READ | SysMman.PROT_WRITE,
            SysMman.MAP_SHARED | SysMman.MAP_POPULATE, Fd, offset);
        if (!mapped.IsError)
            return (byte*)mapped.Value;
        error = mapped.Errno;
        return null;
    }
}
