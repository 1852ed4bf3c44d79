using Netmap.Interop;

namespace Netmap.Devices;

/// <summary>
/// The host's network stack on the other side of an interface (spec 6): what it sends through the interface can be taken
/// from it, and frames can be given to it as if the interface had received them. The cold half may throw; the queues do
/// not.
/// </summary>
internal interface IHostSide
{
    /// <summary>Gets ready, on an interface that is started; nothing is taken before <see cref="SetRings"/>.</summary>
    /// <returns>Success, or why the system does not allow it: the port then has host rings that cannot be opened.</returns>
    Errno Start(HostSetup setup);

    /// <summary>
    /// What the host sends through a NIC transmit ring in netmap mode goes to the host receive ring of the frame's queue
    /// modulo their number, and is lost, and counted, when nobody has that open. Frames of other rings go to the wire.
    /// </summary>
    /// <param name="nicTx">NIC transmit rings in netmap mode.</param>
    /// <param name="hostRx">Host receive rings somebody has open.</param>
    /// <exception cref="NetmapException">The system refused: frames go where they went before.</exception>
    void SetRings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx);

    /// <summary>
    /// As <see cref="SetRings"/>, when there are fewer. It never fails: where the system refuses, all that the host sends goes
    /// to the wire, until the set changes again.
    /// </summary>
    void CloseRings(ReadOnlySpan<bool> nicTx, ReadOnlySpan<bool> hostRx);

    /// <summary>
    /// Way <paramref name="index"/> to the host: one for each host transmit ring, and one more, after them, for frames
    /// forwarded from receive rings. Valid between Start and Stop.
    /// </summary>
    IHostTxQueue TxQueue(int index);

    /// <summary>What the host sent, for host receive ring <paramref name="index"/>. Valid between Start and Stop.</summary>
    IHostRxQueue RxQueue(int index);

    /// <summary>Adds what the system counted since the last call to the counters of the setup.</summary>
    void RefreshCounters();

    /// <summary>The host has its interface back. Idempotent.</summary>
    void Stop();

    /// <summary>Programs in the kernel that do this, between Start and Stop.</summary>
    IReadOnlyList<PortProgram> Programs => [];

    /// <summary>What is not as it should be with frames that the host sends, in words for the port's mode; null for nothing.</summary>
    string? Limits => null;

    /// <summary>Why the host gets its traffic back late when the process is killed, in words for the port's mode; null if it does not.</summary>
    string? Late => null;
}

/// <summary>What <see cref="IHostSide.Start"/> needs.</summary>
internal sealed class HostSetup
{
    /// <summary>Host transmit rings.</summary>
    public required int TxRings { get; init; }

    /// <summary>Slots of each host receive ring: about as many frames may wait in the queue behind it.</summary>
    public required int RxSlots { get; init; }

    /// <summary>One for each host receive ring.</summary>
    public required IReadOnlyList<RingCounters> RxCounters { get; init; }

    /// <summary>Called, on any thread, when a frame came for a host receive ring whose queue has no descriptor.</summary>
    public required Action<int> Arrived { get; init; }
}

/// <summary>A piece of a frame in memory; a frame ends with the first piece that says no <c>More</c>.</summary>
internal readonly unsafe struct FramePart(byte* data, int length, bool more)
{
    public readonly byte* Data = data;
    public readonly int Length = length;
    public readonly bool More = more;
}

/// <summary>A way to the host. Calls come from one thread at a time.</summary>
internal interface IHostTxQueue
{
    /// <summary>
    /// Gives frames to the host, and counts them. The memory may be used again when it returns; frames that did not get there are counted
    /// with their reason.
    /// </summary>
    /// <param name="parts">Whole frames, each at least an Ethernet header long and of NETMAP_MAX_FRAGS parts at most.</param>
    /// <param name="counters">Of the ring the frames come from.</param>
    /// <returns>Success, or ENETDOWN or ENXIO.</returns>
    Errno Inject(ReadOnlySpan<FramePart> parts, RingCounters counters);
}

/// <summary>What the host sent. Calls come from one thread at a time (the ring's lock).</summary>
internal unsafe interface IHostRxQueue
{
    /// <summary>
    /// Copies the next frame to <paramref name="to"/>. Frames longer than <paramref name="room"/> are dropped and counted
    /// (spec 6).
    /// </summary>
    /// <param name="to">Where to.</param>
    /// <param name="room">Bytes there.</param>
    /// <param name="length">Bytes of the frame.</param>
    /// <returns>False when there is none.</returns>
    bool TryTake(byte* to, int room, out int length);

    /// <summary>ENETDOWN or ENXIO when the interface is down or gone, else Success.</summary>
    Errno Link { get; }

    /// <summary>Called before a thread blocks on <see cref="Wait"/>; false when frames are waiting already.</summary>
    bool PrepareWait();

    /// <summary>What to wait for until frames may be there.</summary>
    DeviceWait Wait { get; }
}
