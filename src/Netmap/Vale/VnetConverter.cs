using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>What becomes of a packet at one port whose virtio-net header has another length.</summary>
internal readonly record struct VnetPlan
{
    /// <summary>Set when it is lost there, and why.</summary>
    public DropReason? Drop { get; init; }

    /// <summary>Slots it needs.</summary>
    public int Slots { get; init; }

    /// <summary>Bytes of the header to put before it.</summary>
    public int Header { get; init; }

    /// <summary>How it is cut into frames of their own; null for one that stays whole.</summary>
    public Segments? Segments { get; init; }

    /// <summary>Frames it becomes.</summary>
    public int Frames => Segments?.Count ?? 1;
}

/// <summary>
/// Turns packets with one length of virtio-net header into packets with another (spec 7.5): adds, converts or consumes
/// the header, and does in software what it asks of a port that knows none. A packet is copied out of shared memory once, so
/// that all ports get the same whatever its sender writes meanwhile: its headers first, which decide what becomes of it, and
/// the rest for the first port that it is not lost to. (A packet of 64 KiB can be lost to each of 250 ports.)
/// </summary>
internal sealed unsafe class VnetConverter(int bufferSize)
{
    /// <summary>What both kinds of header begin with.</summary>
    private const int CommonHeader = 10;

    private const int FrameAt = 16;

    private readonly nuint _size = FrameAt + ((nuint)bufferSize * NetmapH.NETMAP_MAX_FRAGS);
    private byte* _memory;
    private PacketBatch? _batch;
    private Packet _packet;
    private int _fragment;
    private int _within;
    private virtio_net_hdr _header;
    private int _headerLength;
    private int _length;

    ~VnetConverter() => NativeMemory.Free(_memory);

    /// <summary>Bytes of the packet that are copied by now.</summary>
    public int Copied { get; private set; }

    private Span<byte> Frame => new(_memory + FrameAt, _length);

    /// <summary>Takes a packet up. It is at least its header long; the switch has looked at what follows.</summary>
    /// <param name="batch">Where it is.</param>
    /// <param name="index">Which.</param>
    /// <param name="headerLength">Of its port: 0, 10 or 12.</param>
    public void Load(PacketBatch batch, int index, int headerLength)
    {
        // On first use: most ports never need it. The system commits pages as they are touched.
        if (_memory == null)
            _memory = (byte*)NativeMemory.Alloc(_size);
        (_batch, _packet) = (batch, batch.PacketAt(index));
        (Copied, _fragment, _within, _headerLength) = (0, 0, 0, headerLength);
        int length = 0;
        for (int i = 0; i < _packet.Fragments; i++)
            length += batch.FragmentAt(_packet.First + i).Length;
        _length = length - headerLength;
        Copy(headerLength + Segmenter.LongestHeaders);
        _header = headerLength == 0 ? default : *(virtio_net_hdr*)(_memory + FrameAt - headerLength);
    }

    /// <summary>Decides what becomes of the packet at a port with another header.</summary>
    /// <param name="to">The port's header and longest frame.</param>
    /// <param name="ring">Where it goes.</param>
    public VnetPlan Plan(SwitchPort to, KRing ring)
    {
        int header = to.HeaderLength;
        if (header > 0 || _headerLength == 0)
            return Whole(header, ring);
        if (!IsGood(_header))
            return new() { Drop = DropReason.BadVnetHeader };
        if ((_header.gso_type & ~LinuxVirtioNet.VIRTIO_NET_HDR_GSO_ECN) == LinuxVirtioNet.VIRTIO_NET_HDR_GSO_NONE)
            return PlanChecksummed(ring);
        if (!Segmenter.TryPlan(Frame, _header, Math.Min(to.MaxFrame, ring.SlotRoom), out Segments segments))
            return new() { Drop = DropReason.NotSegmentable };
        return Bounded(new() { Slots = segments.Count, Segments = segments }, ring);
    }

    /// <summary>Writes the packet into slots leased for it.</summary>
    /// <param name="plan">For this packet, and a port of this ring.</param>
    /// <param name="ring">The ring.</param>
    /// <param name="at">First of the slots.</param>
    /// <returns>Bytes.</returns>
    public long Write(in VnetPlan plan, KRing ring, uint at)
    {
        Copy(int.MaxValue);
        return plan.Segments is { } segments ? WriteSegments(segments, ring, at) : WriteWhole(plan, ring, at);
    }

    /// <summary>Copies the packet up to a byte, or to its end, from where the last copy has ended.</summary>
    private void Copy(int end)
    {
        while (Copied < end && _fragment < _packet.Fragments)
        {
            ref Fragment fragment = ref _batch!.FragmentAt(_packet.First + _fragment);
            int part = Math.Min(fragment.Length - _within, end - Copied);
            FrameCopy.Copy(_memory + FrameAt - _headerLength + Copied, fragment.Data + _within, part);
            Copied += part;
            _within += part;
            if (_within == fragment.Length)
                (_fragment, _within) = (_fragment + 1, 0);
        }
    }

    /// <summary>A frame that stays whole. Its checksum takes all of it, so what is lost for its length is lost before.</summary>
    private VnetPlan PlanChecksummed(KRing ring)
    {
        VnetPlan plan = Whole(0, ring);
        return plan.Drop is not null || CompleteChecksum() ? plan : new() { Drop = DropReason.BadVnetHeader };
    }

    private VnetPlan Whole(int header, KRing ring)
    {
        int room = ring.SlotRoom;
        int slots = room == 0 ? int.MaxValue : (header + _length + room - 1) / room;
        if (slots > NetmapH.NETMAP_MAX_FRAGS)
            return new() { Drop = DropReason.TooManyFragments };
        return Bounded(new() { Slots = slots, Header = header }, ring);
    }

    private static VnetPlan Bounded(VnetPlan plan, KRing ring) =>
        plan.Slots < ring.SlotCount ? plan : new() { Drop = DropReason.FrameTooLong };

    private static bool IsGood(in virtio_net_hdr header)
    {
        const int Known = LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM | LinuxVirtioNet.VIRTIO_NET_HDR_F_DATA_VALID;
        bool type = (header.gso_type & ~LinuxVirtioNet.VIRTIO_NET_HDR_GSO_ECN) is LinuxVirtioNet.VIRTIO_NET_HDR_GSO_NONE
            or LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4 or LinuxVirtioNet.VIRTIO_NET_HDR_GSO_UDP or LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV6;
        return type && (header.flags & ~Known) == 0;
    }

    /// <summary>Does what the header asks, once: the next port without one gets the same frame.</summary>
    private bool CompleteChecksum()
    {
        if ((_header.flags & LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
            return true;
        if (!InternetChecksum.IsInside(Frame, _header.csum_start, _header.csum_offset))
            return false;
        Copy(int.MaxValue);
        InternetChecksum.Complete(Frame, _header.csum_start, _header.csum_offset);
        _header = default;
        return true;
    }

    private long WriteWhole(in VnetPlan plan, KRing ring, uint at)
    {
        byte* from = _memory + FrameAt - plan.Header;
        new Span<byte>(from, plan.Header).Clear();
        if (plan.Header >= CommonHeader)
            *(virtio_net_hdr*)from = _header;
        int left = plan.Header + _length;
        for (int k = 1; k <= plan.Slots; k++, at = ring.Next(at))
        {
            int part = Math.Min(left, ring.SlotRoom);
            int written = Copy(ring, at, new(from, part), default);
            ring.Fill(at, written, (ushort)((plan.Slots << NetmapH.NS_PORT_SHIFT) | (k < plan.Slots ? NetmapH.NS_MOREFRAG : 0)));
            from += part;
            left -= part;
        }
        return plan.Header + _length;
    }

    private long WriteSegments(in Segments segments, KRing ring, uint at)
    {
        HeaderBytes headers = default;
        long bytes = 0;
        for (int k = 0; k < segments.Count; k++, at = ring.Next(at))
        {
            ReadOnlySpan<byte> payload = Segmenter.Build(segments, Frame, k, ref headers);
            int written = Copy(ring, at, headers[..segments.Headers], payload);
            ring.Fill(at, written, 1 << NetmapH.NS_PORT_SHIFT);
            bytes += written;
        }
        return bytes;
    }

    /// <summary>0 when the slot has no buffer, or its offset grew meanwhile: its frame is lost, and counted.</summary>
    private static int Copy(KRing ring, uint at, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        SlotView slot = ring.Slot(at);
        if (slot.IsUnusable || first.Length + second.Length > slot.Room)
        {
            ring.Counters.Drop(slot.IsUnusable ? DropReason.BadSlot : DropReason.FrameTooLong);
            return 0;
        }
        Span<byte> room = new(slot.Data, slot.Room);
        first.CopyTo(room);
        second.CopyTo(room[first.Length..]);
        return first.Length + second.Length;
    }
}
