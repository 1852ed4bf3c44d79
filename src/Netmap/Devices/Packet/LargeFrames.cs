using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>
/// Frames longer than an entry of the ring: super-frames of an offloading sender. The kernel keeps a copy of each on the
/// socket's queue, in order (PACKET_COPY_THRESH); one call a frame, but such a frame stands for dozens.
/// </summary>
internal sealed unsafe class LargeFrames(PacketSocket socket, RingCounters counters) : IDisposable
{
    private const int LongestFrame = 1 << 17;
    private const int Headroom = 64;
    private const int Count = 64;

    private MbufPool? _pool;

    /// <summary>The next queued frame, or null when it is lost.</summary>
    public Mbuf? Receive(uint length)
    {
        // Made on first use: most ports never see one.
        _pool ??= new MbufPool(Count, LongestFrame + Headroom);
        Mbuf? mbuf = _pool.Allocate();
        if (mbuf is null)
        {
            byte rest;
            SysSocket.recv(socket.Fd, &rest, 1, SysSocket.MSG_DONTWAIT);
            counters.Drop(DropReason.NoBuffers);
            return null;
        }
        mbuf.Data += Headroom;
        SysResult received = SysSocket.recv(socket.Fd, mbuf.Data, LongestFrame, SysSocket.MSG_DONTWAIT);
        if (received.IsError || received.Value != length)
        {
            mbuf.Free();
            return null;
        }
        mbuf.Length = received.Int32;
        return mbuf;
    }

    public void Dispose() => _pool?.Dispose();
}
