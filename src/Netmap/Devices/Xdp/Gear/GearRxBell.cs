using Netmap.Interop;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// What a reader sleeps on: the queue's XDP socket. The program hands it what is left of the frame that wakes, when the
/// frame itself is in the ring already; nobody reads what comes out there, so that all descriptors name one scratch chunk.
/// </summary>
/// <param name="socket">Of the queue; nothing else uses its receive rings.</param>
/// <param name="scratch">The chunk, as the fill ring names it.</param>
internal sealed class GearRxBell(XskSocket socket, ulong scratch)
{
    public DeviceWait Wait => new(socket.Readiness, Poll.POLLIN, Timeout.InfiniteTimeSpan);

    /// <summary>
    /// Takes what rang, and gives the kernel descriptors for all it lacks. A ring that finds none is lost without harm: all
    /// are with earlier rings then, which we have yet to read or which the kernel will show us when its poll ends.
    /// </summary>
    public void Drain()
    {
        socket.Rx.Release(socket.Rx.Available());
        uint room = socket.Fill.Room(socket.Fill.Entries);
        for (uint k = 0; k < room; k++)
            socket.Fill.Write(k, scratch);
        socket.Fill.Submit(room);
    }
}
