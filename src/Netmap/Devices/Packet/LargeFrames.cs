using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>
/// Frames longer than an entry of the ring: super-frames of an offloading sender. The kernel keeps a copy of each on the
/// socket's queue, in order (PACKET_COPY_THRESH); one call a frame, but such a frame stands for dozens.
/// </summary>
internal sealed unsafe class LargeFrames(PacketDevice device, PacketSocket socket) : IDisposable
{
    /// <summary>Receive buffer of the socket; the kernel doubles it, and charges some 70 KB for a frame of 64.</summary>
    public const int QueueBytes = 8 << 20;

    private const int LongestFrame = 1 << 17;
    private const int Headroom = 64;
    private const int Count = 64;

    private MbufPool? _pool;

    /// <summary>The next queued frame, or null and the reason when it is lost.</summary>
    public Mbuf? Receive(uint length, out DropReason lost)
    {
        // Made on first use: most ports never see one.
        _pool ??= new MbufPool(Count, LongestFrame + Headroom);
        Mbuf? mbuf = _pool.Allocate();
        if (mbuf is null)
        {
            byte rest;
            Take(&rest, 1);
            lost = DropReason.NoBuffers;
            return null;
        }
        lost = DropReason.Truncated;
        mbuf.Data += Headroom;
        // The socket's header for offloads comes first; the ring entry has it too.
        int header = sizeof(virtio_net_hdr);
        SysResult received = Take(mbuf.Data - header, LongestFrame + header);
        if (received.IsError || received.Value != length + header)
        {
            mbuf.Free();
            return null;
        }
        mbuf.Length = (int)length;
        return mbuf;
    }

    public void Dispose() => _pool?.Dispose();

    /// <summary>
    /// Takes one frame off the queue. A pending error of the socket (the link went down) comes first and leaves the frame
    /// there; were it left, every later frame would be given out in place of its successor.
    /// </summary>
    private SysResult Take(byte* data, int bytes)
    {
        SysResult received = SysSocket.recv(socket.Fd, data, (nuint)bytes, SysSocket.MSG_DONTWAIT);
        for (int i = 0; i < 3 && received.IsError && received.Errno != Errno.EAGAIN; i++)
        {
            device.LinkError();
            received = SysSocket.recv(socket.Fd, data, (nuint)bytes, SysSocket.MSG_DONTWAIT);
        }
        return received;
    }
}
