using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>
/// Our end of a BPF ring buffer (the kernel's Documentation/bpf/ringbuf.rst): records that programs write, read where they
/// lie. The data pages are mapped twice in a row, so that no record is ever cut in two; only the consumer's page can be
/// written from here.
/// </summary>
internal sealed unsafe class BpfRingBuffer : IDisposable
{
    private readonly BpfMapping _consumer;
    private readonly BpfMapping _producer;
    private readonly ulong _mask;
    private ulong _position;

    /// <param name="name">As `bpftool map` shows it, at most 15 characters.</param>
    /// <param name="bytes">A power of two, of whole pages.</param>
    /// <param name="port">For errors.</param>
    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public BpfRingBuffer(string name, int bytes, string? port)
    {
        int page = Environment.SystemPageSize;
        Map = BpfMap.Create(name, BpfMapSpec.RingBuffer(bytes), port);
        _mask = (ulong)bytes - 1;
        try
        {
            _consumer = Map.Map(0, (nuint)page, writable: true);
            _producer = Map.Map(page, (nuint)(page + (2 * (long)bytes)), writable: false);
        }
        catch
        {
            _consumer?.Dispose();
            Map.Dispose();
            throw;
        }
    }

    /// <summary>For programs; its descriptor polls readable while there are records.</summary>
    public BpfMap Map { get; }

    /// <summary>The oldest record, or null; it stays until <see cref="Release"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Peek()
    {
        byte* data = _producer.Address + Environment.SystemPageSize;
        while (true)
        {
            // Load-acquire: pairs with the kernel's store-release after it has set a new record's busy bit.
            if (_position == Volatile.Read(ref *(ulong*)_producer.Address))
                return null;
            uint* header = (uint*)(data + (_position & _mask));
            // Load-acquire: pairs with the exchange that clears the busy bit once the record is written.
            uint length = Volatile.Read(ref *header);
            if ((length & LinuxBpf.BPF_RINGBUF_BUSY_BIT) != 0)
                return null;
            if ((length & LinuxBpf.BPF_RINGBUF_DISCARD_BIT) == 0)
                return (byte*)header + LinuxBpf.BPF_RINGBUF_HDR_SZ;
            Advance(length);
        }
    }

    /// <summary>Gives the oldest record's space back.</summary>
    public void Release() => Advance(*(uint*)(_producer.Address + Environment.SystemPageSize + (_position & _mask)));

    public void Dispose()
    {
        _consumer.Dispose();
        _producer.Dispose();
        Map.Dispose();
    }

    private void Advance(uint length)
    {
        length &= ~(LinuxBpf.BPF_RINGBUF_BUSY_BIT | LinuxBpf.BPF_RINGBUF_DISCARD_BIT);
        _position += (length + LinuxBpf.BPF_RINGBUF_HDR_SZ + 7) & ~7ul;
        // Store-release: we have read the record before the kernel may write over it; pairs with its load-acquire of the
        // consumer's position when it reserves space.
        Volatile.Write(ref *(ulong*)_consumer.Address, _position);
    }
}
