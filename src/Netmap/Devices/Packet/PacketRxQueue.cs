using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>
/// Receives through a mapped ring (TPACKET_V2). Each frame of the ring has an mbuf that points into it, so nothing is
/// copied here; freeing the mbuf gives the frame back to the kernel. Not TPACKET_V3: it shows frames only when a block is
/// full or its timer, of at least 1 ms, runs out, and reading blocks before that races with the kernel's writes.
/// PACKET_VNET_HDR says where a checksum is missing, which cannot be told by looking at a frame with several headers; it
/// costs ten bytes before each frame. No PACKET_RESERVE: what the kernel leaves before a frame is enough for a VLAN tag.
/// </summary>
internal sealed unsafe class PacketRxQueue : IRxQueue, IMbufOwner, IDisposable
{
    /// <summary>Empty polls between two looks for a link that went down under a busy-polling reader.</summary>
    private const int PollsPerLinkCheck = 256;

    private readonly PacketDevice _device;
    private readonly PacketSocket _socket;
    private readonly IDeviceEvents _events;
    private readonly RingCounters _counters;
    private readonly LargeFrames _large;
    private readonly Mbuf[] _mbufs;
    private readonly bool[] _lent;
    private readonly nint[] _headers;
    private readonly int _index;
    private readonly bool _vnetHeaders;
    private readonly uint _frameSize;
    private readonly nuint _bytes;
    private byte* _ring;
    private uint _next;
    private int _emptyPolls;

    /// <param name="device">Link state and description.</param>
    /// <param name="setup">Geometry and counters.</param>
    /// <param name="index">RX ring.</param>
    /// <param name="mtu">Decides the size of a frame of the ring; longer frames take a slower way.</param>
    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public PacketRxQueue(PacketDevice device, DeviceSetup setup, int index, int mtu)
    {
        _device = device;
        _index = index;
        _vnetHeaders = setup.VnetHeaders;
        _events = setup.Events;
        _counters = setup.RxCounters[index];
        _frameSize = PacketRingGeometry.FrameSize(mtu);
        tpacket_req geometry = PacketRingGeometry.Ring(_frameSize, setup.RxSlots);
        _bytes = (nuint)geometry.tp_block_nr * geometry.tp_block_size;
        _socket = new PacketSocket(device.Name);
        _large = new LargeFrames(device, _socket);
        try
        {
            _socket.Set(LinuxIfPacket.PACKET_VERSION, LinuxIfPacket.TPACKET_V2, "packet version");
            _socket.Set(LinuxIfPacket.PACKET_VNET_HDR, 1, "checksum offsets");
            _socket.Set(LinuxIfPacket.PACKET_IGNORE_OUTGOING, 1, "ignore outgoing");
            _socket.Set(LinuxIfPacket.PACKET_COPY_THRESH, 1, "long frames");
            // Room for a burst of super-frames (the default holds five); capped by net.core.rmem_max without CAP_NET_ADMIN.
            if (SysSocket.setsockopt(_socket.Fd, SysSocket.SOL_SOCKET, SysSocket.SO_RCVBUFFORCE, LargeFrames.QueueBytes).IsError)
                SysSocket.setsockopt(_socket.Fd, SysSocket.SOL_SOCKET, SysSocket.SO_RCVBUF, LargeFrames.QueueBytes);
            _socket.Set(SysSocket.SOL_PACKET, LinuxIfPacket.PACKET_RX_RING, geometry, "receive ring");
            _ring = PacketRingGeometry.Map(_socket, _bytes, device.Name);
        }
        catch
        {
            Dispose();
            throw;
        }
        _mbufs = new Mbuf[geometry.tp_frame_nr];
        _lent = new bool[geometry.tp_frame_nr];
        _headers = new nint[geometry.tp_frame_nr];
        uint perBlock = geometry.tp_frame_nr / geometry.tp_block_nr;
        for (uint i = 0; i < _headers.Length; i++)
            _headers[i] = (nint)(_ring + ((nuint)(i / perBlock) * geometry.tp_block_size) + (i % perBlock * _frameSize));
        for (int i = 0; i < _mbufs.Length; i++)
            _mbufs[i] = new Mbuf(this, null, (int)_frameSize) { Tag = i, Queue = index };
    }

    public PacketSocket Socket => _socket;

    public DeviceWait Wait => new(_socket.Fd, Interop.Poll.POLLIN, Timeout.InfiniteTimeSpan);

    public Errno Poll(int budget)
    {
        int delivered = 0;
        while (delivered < budget && TryTake(out Mbuf? mbuf))
        {
            delivered++;
            if (mbuf is not null)
                _events.Receive(_index, mbuf);
        }
        if (delivered > 0)
        {
            _emptyPolls = 0;
            return Errno.Success;
        }
        return _device.Link == LinkState.Up && ++_emptyPolls % PollsPerLinkCheck != 0 ? Errno.Success : CheckLink();
    }

    public bool PrepareWait() => (Status(Header(_next)) & LinuxIfPacket.TP_STATUS_USER) == 0 && CheckLink() == Errno.Success;

    /// <summary>Gives the frame back to the kernel. Any thread.</summary>
    public void Recycle(Mbuf mbuf)
    {
        tpacket2_hdr* header = Header((uint)mbuf.Tag);
        // Store-release: whoever read the frame is done before the kernel may write it; pairs with the kernel's read of
        // the status before it fills a frame. The mark goes last: TryTake reads it first, so that it never takes the old
        // status for a new frame.
        Volatile.Write(ref header->tp_status, LinuxIfPacket.TP_STATUS_KERNEL);
        Volatile.Write(ref _lent[mbuf.Tag], false);
    }

    /// <summary>Adds what the kernel dropped since the last call.</summary>
    public void RefreshCounters()
    {
        long drops = _socket.TakeDrops();
        if (drops > 0)
            _counters.Drop(DropReason.KernelRingFull, drops);
    }

    /// <summary>The adapter has freed every frame it got before it stops the device.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        _large.Dispose();
        if (_ring != null)
            SysMman.munmap(_ring, _bytes);
        _ring = null;
    }

    /// <summary>
    /// Takes the next frame if the kernel has filled it. A frame lost on the way (too long for the kernel to keep) gives
    /// null and is counted.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTake(out Mbuf? mbuf)
    {
        uint i = _next;
        tpacket2_hdr* header = Header(i);
        bool lent = Volatile.Read(ref _lent[i]);
        // Load-acquire: the frame is there when its status says so; pairs with the kernel's barrier before it sets it.
        uint status = Status(header);
        if (lent || (status & LinuxIfPacket.TP_STATUS_USER) == 0)
        {
            mbuf = null;
            return false;
        }
        _next = i + 1 == (uint)_mbufs.Length ? 0 : i + 1;
        const uint Unusual = LinuxIfPacket.TP_STATUS_COPY | LinuxIfPacket.TP_STATUS_CSUMNOTREADY | LinuxIfPacket.TP_STATUS_VLAN_VALID;
        int length = (int)header->tp_snaplen;
        mbuf = _mbufs[i];
        mbuf.Revive();
        mbuf.Data = (byte*)header + header->tp_mac;
        mbuf.Length = length;
        _lent[i] = true;
        if ((status & Unusual) != 0 || header->tp_len != (uint)length)
            mbuf = Mend(mbuf, header, status);
        if (_vnetHeaders && mbuf is not null)
            IncludeHeader(mbuf);
        return true;
    }

    /// <summary>The rest of a long frame, a stripped VLAN tag, a checksum left to hardware that is not there.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Mbuf? Mend(Mbuf mbuf, tpacket2_hdr* header, uint status)
    {
        uint length = header->tp_len;
        ushort tag = header->tp_vlan_tci;
        virtio_net_hdr offload = *(virtio_net_hdr*)(mbuf.Data - sizeof(virtio_net_hdr));
        ushort protocol = (status & LinuxIfPacket.TP_STATUS_VLAN_TPID_VALID) != 0 ? header->tp_vlan_tpid : LinuxIfEther.ETH_P_8021Q;
        if (length != header->tp_snaplen || (status & LinuxIfPacket.TP_STATUS_COPY) != 0)
        {
            mbuf.Free();
            DropReason lost = DropReason.Truncated;
            Mbuf? whole = (status & LinuxIfPacket.TP_STATUS_COPY) != 0 ? _large.Receive(length, out lost) : null;
            if (whole is null)
            {
                _counters.Drop(lost);
                return null;
            }
            mbuf = whole;
        }
        if (!_vnetHeaders && (offload.flags & LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0
            && InternetChecksum.Complete(new Span<byte>(mbuf.Data, mbuf.Length), offload.csum_start, offload.csum_offset))
            _counters.ChecksumsCompleted++;
        if ((status & LinuxIfPacket.TP_STATUS_VLAN_VALID) != 0)
        {
            FrameFixups.InsertVlanTag(mbuf, protocol, tag);
            _counters.VlanTagsRestored++;
            if (_vnetHeaders)
                FrameFixups.MoveVnetHeader(mbuf, offload);
        }
        return mbuf;
    }

    /// <summary>The kernel has written the header just before the frame, in the ring as on the socket's queue.</summary>
    private static void IncludeHeader(Mbuf mbuf)
    {
        mbuf.Data -= sizeof(virtio_net_hdr);
        mbuf.Length += sizeof(virtio_net_hdr);
    }

    private Errno CheckLink() => _device.CheckLink(_socket);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private tpacket2_hdr* Header(uint frame) => (tpacket2_hdr*)_headers[frame];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Status(tpacket2_hdr* header) => Volatile.Read(ref header->tp_status);
}
