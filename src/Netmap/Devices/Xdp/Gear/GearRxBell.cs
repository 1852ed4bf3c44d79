using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// What a reader sleeps on: a BPF ring buffer whose records mean nothing, but whose descriptor polls readable while there
/// are any.
/// </summary>
internal sealed unsafe class GearRxBell : IDisposable
{
    private readonly BpfMapping _consumer;
    private readonly BpfMapping _producer;

    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public GearRxBell(string port)
    {
        int page = Environment.SystemPageSize;
        Map = BpfMap.Create("netmap_bell", BpfMapSpec.RingBuffer(page), port);
        _consumer = Map.Map(0, (nuint)page, writable: true);
        _producer = Map.Map(page, (nuint)page, writable: false);
    }

    public BpfMap Map { get; }

    public DeviceWait Wait => new(Map.Descriptor, Poll.POLLIN, Timeout.InfiniteTimeSpan);

    /// <summary>
    /// Takes all records. Acquire and release as the kernel's ring buffer wants them; nothing else hangs on these two words.
    /// </summary>
    public void Drain() => Volatile.Write(ref *(ulong*)_consumer.Address, Volatile.Read(ref *(ulong*)_producer.Address));

    public void Dispose()
    {
        _consumer.Dispose();
        _producer.Dispose();
        Map.Dispose();
    }
}
