using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Native;

/// <summary>
/// The receive half of one ring: released slots' buffers go to the kernel's fill ring, and buffers with frames in them come
/// back from its receive ring; nothing is copied here. Beyond the ring's own buffers the kernel has spare ones, so that a
/// burst does not need a reader as fast as the wire.
/// </summary>
/// <param name="ring">The kring.</param>
/// <param name="device">Link state and where frames lie.</param>
internal sealed unsafe class NativeRxRing(KRing ring, XdpDevice device) : INativeRxRing
{
    /// <summary>Empty syncs between two looks for a link that went down under a busy-polling reader.</summary>
    private const int SyncsPerLinkCheck = 256;

    /// <summary>How long a sleeper may miss that the interface went down: XDP sockets have no event for it.</summary>
    private static readonly TimeSpan s_linkCheck = TimeSpan.FromMilliseconds(100);

    private readonly PostedBuffers _posted = new((int)MostBuffers(ring.SlotCount));
    private readonly uint _bufferSize = (uint)ring.BufferSize;
    private readonly UmemLayout _layout = device.Layout;
    private readonly Patience _patience = new();
    private XskSocket? _socket;
    private bool _open;
    private int _emptySyncs;

    /// <summary>Buffers the kernel may have at a time: entries the fill and receive rings need.</summary>
    public static uint MostBuffers(uint slots) => 2 * slots;

    public DeviceWait Wait => new(_socket?.Readiness ?? -1, Poll.POLLIN, s_linkCheck);

    public bool HasFrames => _socket!.Rx.Available(1) > 0;

    /// <summary>The ring is on: the kernel gets the buffers of the slots that are the engine's, and spare ones.</summary>
    public void Open(XskSocket socket)
    {
        (_socket, _open) = (socket, true);
        Discard();
        uint own = Own;
        // A ring that was open before: the kernel has kept its buffers, and the new ones are not needed.
        uint kept = Math.Min(own, _posted.Count);
        for (uint k = 0; k < kept; k++)
        {
            uint slot = ring.Advance(ring.HwTail, k);
            ring.Memory.FreeBuffer(ring.BufferOf(slot));
            ring.SetBuffer(slot, _posted[k]);
        }
        for (uint k = kept; k < own; k++)
            Post(k - kept, ring.BufferOf(ring.Advance(ring.HwTail, k)));
        uint posted = own - kept;
        while (_posted.Count < own + ring.SlotCount && ring.Memory.TryTakeBuffer(out uint spare))
            Post(posted++, spare);
        socket.Fill.Submit(posted);
    }

    /// <summary>
    /// The ring loses its last user while the port stays open. The kernel does not give back what is in its fill ring, so
    /// it keeps those buffers until the ring or the port is opened or closed again. A ring that could not be opened has its own.
    /// </summary>
    public void Close()
    {
        if (!_open)
            return;
        _open = false;
        Discard();
        for (uint k = 0; k < Own; k++)
            ring.SetBuffer(ring.Advance(ring.HwTail, k), 0);
    }

    /// <summary>The socket is closed: the ring's slots have buffers again, and what is left over is free.</summary>
    public void Settle()
    {
        uint own = ring.Exists ? Math.Min(Own, _posted.Count) : 0;
        for (uint k = 0; k < own; k++)
            ring.SetBuffer(ring.Advance(ring.HwTail, k), _posted[k]);
        for (uint k = own; k < _posted.Count; k++)
            ring.Memory.FreeBuffer(_posted[k]);
        _posted.Clear();
        (_socket, _open) = (null, false);
    }

    /// <summary>rxsync: first give the kernel what the program released, then take what came.</summary>
    /// <returns>EINVAL a released slot names no buffer: the program must mend it; ENETDOWN, ENXIO.</returns>
    public Errno Sync()
    {
        ring.Counters.Syncs++;
        Errno released = Release();
        if (Import() > 0 || (device.BusyPolls && PollDriver() > 0))
            return released;
        bool look = device.Link != LinkState.Up || ++_emptySyncs % SyncsPerLinkCheck == 0;
        Errno link = look ? device.LinkError() : Errno.Success;
        return link == Errno.Success ? released : link;
    }

    /// <summary>The device asks the sockets.</summary>
    public void RefreshCounters()
    {
    }

    /// <summary>Before sleeping: false when frames are waiting. The kernel is told of new fill entries where it asks for it.</summary>
    public bool PrepareWait()
    {
        if (_socket!.Fill.NeedsWakeup)
            _socket.KickReceive();
        return !_patience.Wait(this) && _socket.Rx.Available() == 0 && (device.LinkError() == Errno.Success || device.Link != LinkState.Up);
    }

    /// <summary>Slots that are the engine's: all but [hwcur, hwtail).</summary>
    private uint Own => ring.SlotCount - ring.Distance(ring.HwCur, ring.HwTail);

    private Errno Release()
    {
        uint posted = 0;
        uint i = ring.HwCur;
        for (; i != ring.RHead; i = ring.Next(i))
        {
            uint buffer = ring.BufferOf(i);
            if (buffer == 0)
                break;
            ring.ClearFlags(i, NetmapH.NS_BUF_CHANGED);
            Post(posted++, buffer);
        }
        ring.HwCur = i;
        if (posted > 0)
            _socket!.Fill.Submit(posted);
        return i == ring.RHead ? Errno.Success : BadSlot();
    }

    /// <summary>The kernel has at most a buffer for each slot and the spare ones, so its ring always has room.</summary>
    private void Post(uint ahead, uint buffer)
    {
        _posted.Add(buffer);
        _socket!.Fill.Write(ahead, _layout.Chunk(buffer));
    }

    /// <summary>Moves received frames into slots, whole ones only; how many slots.</summary>
    private uint Import()
    {
        uint room = ring.Distance(ring.HwTail, ring.Previous(ring.HwCur));
        uint waiting = Whole(Math.Min(_socket!.Rx.Available(room), room));
        uint slot = ring.HwTail;
        bool continued = false;
        uint first = 0;
        bool partial = device.MayBePartial;
        for (uint k = 0; k < waiting; k++, slot = ring.Next(slot))
        {
            xdp_desc frame = _socket.Rx.Read(k);
            bool more = (frame.options & LinuxIfXdp.XDP_PKT_CONTD) != 0;
            ulong start = Start(frame.addr);
            uint buffer = _layout.BufferAt(start);
            _posted.Remove(buffer);
            if (start != _layout.Start(buffer))
                MoveToStart(buffer, start, (int)frame.len);
            first = continued ? first : k;
            if (partial && !more && (continued ? CompleteChecksum(first, k) : FrameLook.CompleteChecksum(Data(buffer), (int)frame.len)))
                ring.Counters.ChecksumsCompleted++;
            ring.Place(slot, buffer, (int)frame.len, more ? NetmapH.NS_MOREFRAG : (ushort)0);
            ring.Counters.Bytes += frame.len;
            ring.Counters.Packets += more ? 0 : 1;
            ring.Counters.Scattered += continued && !more ? 1 : 0;
            continued = more;
        }
        ring.HwTail = slot;
        if (waiting > 0)
        {
            _socket.Rx.Release(waiting);
            _patience.Saw(waiting);
        }
        return waiting;
    }

    /// <summary>Completes the checksum of a frame over several buffers, from one descriptor to another.</summary>
    [SkipLocalsInit]
    private bool CompleteChecksum(uint first, uint last)
    {
        int length = 0;
        for (uint k = first; k <= last; k++)
            length += (int)_socket!.Rx.Read(k).len;
        xdp_desc head = _socket!.Rx.Read(first);
        HeaderCopy headers = new(Data(_layout.BufferAt(Start(head.addr))), (int)head.len);
        // The sum of SCTP is another, over bytes in order.
        FrameLook segment = FrameLook.At(ref headers, length).FindLacking();
        if (segment.Protocol is not (LinuxIn.IPPROTO_TCP or LinuxIn.IPPROTO_UDP))
            return false;
        ulong sum = 0;
        int at = 0;
        for (uint k = first; k <= last; k++)
        {
            xdp_desc part = _socket.Rx.Read(k);
            int from = Math.Max(segment.L4 - at, 0);
            int to = Math.Min(segment.End - at, (int)part.len);
            uint words = to <= from ? 0 : InternetChecksum.Sum(new(Data(_layout.BufferAt(Start(part.addr))) + from, to - from));
            // A part that begins at an odd byte has the halves of its words the other way round (RFC 1071, 2B).
            sum += (at + from - segment.L4) % 2 == 0 ? words : BinaryPrimitives.ReverseEndianness((ushort)words);
            at += (int)part.len;
        }
        InternetChecksum.Write(new(headers.Frame + segment.L4 + segment.ChecksumOffset, sizeof(ushort)), sum);
        return true;
    }

    private byte* Data(uint buffer) => ring.Memory.Buffers + ((long)buffer * _bufferSize);

    /// <summary>Has the kernel work the driver's queue here and now, instead of waiting for it to happen on another core.</summary>
    private uint PollDriver()
    {
        _socket!.KickReceive();
        return Import();
    }

    /// <summary>Of so many descriptors, those that belong to whole frames.</summary>
    private uint Whole(uint waiting)
    {
        while (waiting > 0 && (_socket!.Rx.Read(waiting - 1).options & LinuxIfXdp.XDP_PKT_CONTD) != 0)
            waiting--;
        return waiting;
    }

    /// <summary>Where a received descriptor's frame begins: base address below, offset in the upper bits.</summary>
    private static ulong Start(ulong address)
    {
        const int Shift = LinuxIfXdp.XSK_UNALIGNED_BUF_OFFSET_SHIFT;
        return (address & ((1UL << Shift) - 1)) + (address >> Shift);
    }

    /// <summary>
    /// Without a copy a frame lies where the program left it, which may have put a VLAN tag before it. netmap programs look
    /// for it at the start of the buffer.
    /// </summary>
    private void MoveToStart(uint buffer, ulong start, int length)
    {
        Buffer.MemoryCopy((byte*)device.Memory.Address + start, Data(buffer), _bufferSize, Math.Min(length, (int)_bufferSize));
    }

    /// <summary>Frames that came for a ring nobody had open: their buffers go straight back to the kernel.</summary>
    private void Discard()
    {
        uint waiting = _socket!.Rx.Available();
        for (uint k = 0; k < waiting; k++)
        {
            uint buffer = _layout.BufferAt(Start(_socket.Rx.Read(k).addr));
            _posted.Remove(buffer);
            Post(k, buffer);
        }
        _socket.Rx.Release(waiting);
        _socket.Fill.Submit(waiting);
        if (waiting > 0)
            ring.Counters.Drop(DropReason.PortClosed, waiting);
    }

    /// <summary>The program released a slot without a buffer: nothing behind it is taken before it is mended.</summary>
    private Errno BadSlot()
    {
        ring.Reinit();
        return Errno.EINVAL;
    }
}
