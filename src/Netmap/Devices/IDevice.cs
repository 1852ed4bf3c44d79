using Netmap.Bpf.Filters;
using Netmap.Interop;

namespace Netmap.Devices;

/// <summary>
/// The operating system's interface under an adapter: one mechanism behind one narrow door. The cold half (opening,
/// describing, starting, stopping) throws <see cref="NetmapException"/>; the queues never throw.
/// </summary>
internal interface IDevice : IDisposable
{
    /// <summary>Asks the system afresh: geometry, MTU, link and mode. Throws ENXIO when the interface is gone.</summary>
    DeviceInfo Describe();

    /// <summary>
    /// Takes the interface into netmap mode: catch_rx and catch_tx of the reference. On failure everything is undone and
    /// a <see cref="NetmapException"/> tells why (EPERM, EBUSY, ENOMEM …). An interface that is down is none: frames flow when it comes up.
    /// </summary>
    /// <param name="setup">Ring geometry, counters and where to deliver.</param>
    void Start(DeviceSetup setup);

    /// <summary>
    /// Gives the interface back to the host; transmissions in flight are freed. The caller has freed all frames it
    /// received. Idempotent. After it returns nothing of
    /// <see cref="DeviceSetup.Events"/> is called any more.
    /// </summary>
    void Stop();

    /// <summary>
    /// Which RX rings take their frames from the host; frames of the others go on to the stack untouched (spec 5.4,
    /// "ring OFF"). Bit i stands for ring i. Called after <see cref="Start"/> when there are more.
    /// </summary>
    /// <exception cref="NetmapException">The system refused: the set is the one before.</exception>
    void SetReceiveRings(ReadOnlySpan<bool> on);

    /// <summary>
    /// As <see cref="SetReceiveRings"/>, when there are fewer. It never fails: where the system refuses, the host gets all
    /// frames, those of the other rings too, until the set changes again.
    /// </summary>
    void CloseReceiveRings(ReadOnlySpan<bool> on);

    /// <summary>Adds what the system counted since the last call (drops in the kernel's ring) to the counters of the setup.</summary>
    void RefreshCounters();

    /// <summary>TX queue <paramref name="index"/>; valid between Start and Stop.</summary>
    ITxQueue TxQueue(int index);

    /// <summary>RX queue <paramref name="index"/>; valid between Start and Stop.</summary>
    IRxQueue RxQueue(int index);

    /// <summary>The device can put virtio-net headers before frames (<see cref="DeviceSetup.VnetHeaders"/>).</summary>
    bool HasVnetHeaders => false;

    /// <summary>It takes only what matches <see cref="DeviceSetup.Filter"/>, and leaves the rest to the host.</summary>
    bool CanFilter => false;

    /// <summary>The host's stack behind the interface; null for devices that have none.</summary>
    IHostSide? Host => null;
}

/// <summary>What <see cref="IDevice.Start"/> needs.</summary>
internal sealed class DeviceSetup
{
    public required int TxRings { get; init; }
    public required int RxRings { get; init; }

    /// <summary>Slots of each TX ring; a device should keep room for about as many frames.</summary>
    public required int TxSlots { get; init; }
    public required int RxSlots { get; init; }

    /// <summary>Bytes of a netmap buffer: the longest frame a TX slot can hold.</summary>
    public required int BufferSize { get; init; }

    /// <summary>
    /// Every frame, received or sent, begins with a <see cref="virtio_net_hdr"/> of 10 bytes: what an offloading sender left
    /// to hardware stays undone, super-frames stay whole, and a frame to be sent may span several mbufs
    /// (<see cref="Mbuf.HasMore"/>).
    /// </summary>
    public bool VnetHeaders { get; init; }

    /// <summary>What to take from the host; null for everything.</summary>
    public FrameFilter? Filter { get; init; }

    public required RingCounters[] TxCounters { get; init; }
    public required RingCounters[] RxCounters { get; init; }

    public required IDeviceEvents Events { get; init; }
}

/// <summary>How a device calls back. May come on any thread; implementations neither block nor throw.</summary>
internal interface IDeviceEvents
{
    /// <summary>A frame arrived for RX ring <paramref name="queue"/>: generic_rx_handler. Takes over one reference.</summary>
    void Receive(int queue, Mbuf frame);

    /// <summary>The interface went down, came up, or is gone for good.</summary>
    void LinkChanged(LinkState state);
}

internal enum LinkState
{
    Up,
    Down,
    Gone,
}

/// <summary>One transmit queue. Calls come from one thread at a time (the ring's lock).</summary>
internal interface ITxQueue
{
    /// <summary>An mbuf with one reference and at least <see cref="DeviceSetup.BufferSize"/> bytes, or null when there is none.</summary>
    Mbuf? Allocate();

    /// <summary>
    /// Hands frames to the device, in order; those of several mbufs as a whole. For each frame taken the device consumes one reference: at once when the
    /// system copies it, else when it reports completion. Frames that can never be sent count as taken too; the device
    /// counts them with their reason and sets their <see cref="Mbuf.Length"/> to 0. Frames behind the first refused one are
    /// untouched.
    /// </summary>
    /// <param name="frames">Frames with <see cref="Mbuf.Length"/> set.</param>
    /// <param name="refusal">Why the frame after the last taken one was refused (EAGAIN, ENOBUFS, ENETDOWN, ENXIO), else Success.</param>
    /// <returns>Frames taken, 0..frames.Length.</returns>
    int Transmit(ReadOnlySpan<Mbuf> frames, out Errno refusal);

    /// <summary>Frees the references of frames whose transmission the system has completed since the last call.</summary>
    void Reap();

    /// <summary>What to wait for until more frames may be taken.</summary>
    DeviceWait Wait { get; }
}

/// <summary>One receive queue. Calls come from one thread at a time (the ring's lock).</summary>
internal interface IRxQueue
{
    /// <summary>
    /// Delivers up to <paramref name="budget"/> waiting frames through <see cref="IDeviceEvents.Receive"/>, as a driver's
    /// NAPI poll does. A device that delivers on its own returns Success at once.
    /// </summary>
    /// <returns>ENETDOWN or ENXIO when the interface is down or gone, else Success.</returns>
    Errno Poll(int budget);

    /// <summary>
    /// Called before a thread blocks on <see cref="Wait"/>: arms the wake-up. False when frames are already waiting, so
    /// the caller polls instead of blocking.
    /// </summary>
    bool PrepareWait();

    /// <summary>What to wait for until frames may be there.</summary>
    DeviceWait Wait { get; }
}

/// <summary>A way to sleep until a queue may have something to do.</summary>
/// <param name="Descriptor">Descriptor for poll, or -1: the device notifies by itself.</param>
/// <param name="Events">poll(2) events to wait for on it.</param>
/// <param name="Retry">
/// Look again after this long even without an event; <see cref="Timeout.InfiniteTimeSpan"/> for no need to.
/// </param>
internal readonly record struct DeviceWait(int Descriptor, short Events, TimeSpan Retry)
{
    /// <summary>The device notifies through <see cref="IDeviceEvents"/> and mbuf destructors alone.</summary>
    public static readonly DeviceWait Notified = new(-1, 0, Timeout.InfiniteTimeSpan);

    /// <summary>Another thread is in the ring, and may leave without news for us: look again when it has.</summary>
    public static readonly DeviceWait Soon = new(-1, 0, TimeSpan.FromMicroseconds(100));
}
