using Netmap.Interop;

namespace Netmap.Devices.Memory;

/// <summary>Transmit queue of one end of a wire in memory.</summary>
internal sealed class MemoryTxQueue : ITxQueue, IDisposable
{
    private const int EthernetHeader = 14;

    private readonly MemoryDevice _device;
    private readonly RingCounters _counters;
    private readonly MbufPool _pool;
    private readonly int _index;
    private readonly int _longest;

    public MemoryTxQueue(MemoryDevice device, DeviceSetup setup, int index, int mtu)
    {
        _device = device;
        _counters = setup.TxCounters[index];
        _index = index;
        _longest = mtu + EthernetHeader;
        // Frames may stay with the peer while the ring is filled again.
        _pool = new MbufPool(2 * setup.TxSlots, setup.BufferSize);
    }

    public DeviceWait Wait => DeviceWait.Notified;

    public Mbuf? Allocate() => _pool.Allocate();

    public int Transmit(ReadOnlySpan<Mbuf> frames, out Errno refusal)
    {
        refusal = _device.Link switch
        {
            LinkState.Up => Errno.Success,
            LinkState.Down => Errno.ENETDOWN,
            _ => Errno.ENXIO,
        };
        if (refusal != Errno.Success)
            return 0;
        foreach (Mbuf frame in frames)
            Send(frame);
        return frames.Length;
    }

    public void Reap()
    {
        // The peer's free is the completion.
    }

    public void Dispose() => _pool.Dispose();

    private void Send(Mbuf frame)
    {
        if (frame.Length < EthernetHeader)
            Drop(frame, DropReason.TooShort);
        else if (frame.Length > _longest)
            Drop(frame, DropReason.ExceedsMtu);
        else if (!_device.Peer!.TryDeliver(_index, frame))
            Drop(frame, DropReason.NobodyReceives);
    }

    private void Drop(Mbuf frame, DropReason reason)
    {
        _counters.Drop(reason);
        frame.Length = 0;
        frame.Free();
    }
}

/// <summary>Receive queue of one end of a wire in memory: frames come by themselves.</summary>
internal sealed class MemoryRxQueue(MemoryDevice device) : IRxQueue
{
    public DeviceWait Wait => DeviceWait.Notified;

    public Errno Poll(int budget) => device.Link switch
    {
        LinkState.Up => Errno.Success,
        LinkState.Down => Errno.ENETDOWN,
        _ => Errno.ENXIO,
    };

    public bool PrepareWait() => true;
}
