using System.Collections.Concurrent;
using Netmap.Interop;

namespace Netmap.Devices.Memory;

/// <summary>
/// The host behind one end of a wire in memory: a test sends as its stack would, and sees what reaches it. It obeys the
/// same rules as a kernel's (spec 6).
/// </summary>
internal sealed unsafe class MemoryHost(MemoryDevice device) : IHostSide
{
    private readonly MemoryDevice _device = device;
    private readonly ConcurrentQueue<byte[]> _received = new();
    private volatile HostSetup? _setup;
    private volatile Queue[] _queues = [];
    private volatile bool[] _nicTx = [];
    private volatile bool[] _hostRx = [];

    /// <summary>What <see cref="Start"/> answers: a system that refuses host rings.</summary>
    public Errno Refusal { get; set; }

    /// <summary>Frames that reached the host, oldest first.</summary>
    public ConcurrentQueue<byte[]> Received => _received;

    public Errno Start(HostSetup setup)
    {
        if (Refusal != Errno.Success)
            return Refusal;
        _queues = [.. setup.RxCounters.Select(counters => new Queue(_device, counters))];
        _setup = setup;
        return Errno.Success;
    }

    public void SetRings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx)
    {
        (_nicTx, _hostRx) = (nicTx.ToArray(), hostRx.ToArray());
        for (int i = 0; i < hostRx.Length; i++)
        {
            if (!hostRx[i])
                _queues[i].Frames.Clear();
        }
    }

    public void CloseRings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx) => SetRings(nicTx, hostRx);

    public IHostTxQueue TxQueue(int index) => new Sink(this);

    public IHostRxQueue RxQueue(int index) => _queues[index];

    public void RefreshCounters()
    {
        // All that is counted is counted at once.
    }

    public void Stop() => (_setup, _nicTx, _hostRx, _queues) = (null, [], [], []);

    /// <summary>The host sends a frame through the interface.</summary>
    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="queue">The transmit queue its stack chose.</param>
    /// <returns>False when the frame goes to the wire, as if nobody were here.</returns>
    public bool Send(byte[] frame, int queue = 0)
    {
        bool[] nic = _nicTx;
        bool[] host = _hostRx;
        if (_setup is not { } setup || nic.Length == 0 || !nic[queue % nic.Length])
            return false;
        int ring = queue % host.Length;
        if (!host[ring])
            setup.RxCounters[ring].Drop(DropReason.NobodyReceives);
        else if (_queues[ring].Frames.Count >= setup.RxSlots - 1)
            setup.RxCounters[ring].Drop(DropReason.HostRingFull);
        else
        {
            _queues[ring].Frames.Enqueue(frame);
            Interlocked.Increment(ref setup.RxCounters[ring].Irqs);
            setup.Arrived(ring);
        }
        return true;
    }

    private static Errno LinkOf(MemoryDevice device) => device.Link switch
    {
        LinkState.Up => Errno.Success,
        LinkState.Down => Errno.ENETDOWN,
        _ => Errno.ENXIO,
    };

    private sealed class Sink(MemoryHost host) : IHostTxQueue
    {
        public Errno Inject(ReadOnlySpan<FramePart> parts, RingCounters counters)
        {
            Errno link = LinkOf(host._device);
            List<byte> frame = [];
            foreach (FramePart part in parts)
            {
                frame.AddRange(new ReadOnlySpan<byte>(part.Data, part.Length));
                if (part.More)
                    continue;
                if (link == Errno.Success)
                {
                    counters.Packets++;
                    counters.Bytes += frame.Count;
                    host._received.Enqueue([.. frame]);
                }
                else
                {
                    counters.Drop(DropReason.LinkDown);
                }
                frame.Clear();
            }
            return link;
        }
    }

    private sealed class Queue(MemoryDevice device, RingCounters counters) : IHostRxQueue
    {
        public ConcurrentQueue<byte[]> Frames { get; } = new();

        public Errno Link => LinkOf(device);

        public DeviceWait Wait => DeviceWait.Notified;

        public bool PrepareWait() => Frames.IsEmpty;

        public bool TryTake(byte* to, int room, out int length)
        {
            while (Frames.TryDequeue(out byte[]? frame))
            {
                length = frame.Length;
                if (length <= room)
                {
                    frame.CopyTo(new Span<byte>(to, room));
                    return true;
                }
                counters.Drop(DropReason.FrameTooLong);
            }
            length = 0;
            return false;
        }
    }
}
