using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Devices.Host;

/// <summary>
/// One host receive ring's frames, as the egress program copied them. They leave as they would be on the wire: super-frames
/// cut into segments, checksums complete, the VLAN tag in its place.
/// </summary>
internal sealed unsafe class HostReceiver(IHostInterface device, RingCounters counters, int slots) : IHostRxQueue
{
    /// <summary>Bytes of the ring buffer for each slot: a frame of the usual MTU takes half of that.</summary>
    private const int BytesEach = 4096;
    private const int FewestBytes = 1 << 20;
    private const int MostBytes = 1 << 24;
    private const int Addresses = 12;
    private const int TagBytes = 4;
    private const int TcpChecksum = 16;

    /// <summary>Sleepers look at the link this often: no event tells that it went down.</summary>
    private static readonly TimeSpan s_linkCheck = TimeSpan.FromMilliseconds(250);

    private readonly ulong[] _seen = new ulong[HostEgress.CountersEach];
    private BpfRingBuffer? _ring;
    private Segments _segments;
    private int _nextSegment;
    private long _linkAsked;

    /// <summary>Where the egress program puts frames; null while closed.</summary>
    public BpfMap? Map => _ring?.Map;

    public DeviceWait Wait => new(_ring!.Map.Descriptor, Poll.POLLIN, s_linkCheck);

    public Errno Link => device.Link == LinkState.Up ? Errno.Success : device.LinkError();

    /// <exception cref="NetmapException">ENOMEM, EPERM.</exception>
    public void Open(string port) => _ring ??= new BpfRingBuffer("netmap_host_rx", RingBytes(), port);

    public void Close()
    {
        _ring?.Dispose();
        (_ring, _segments) = (null, default);
    }

    /// <summary>Adds what the egress program has dropped since the last call.</summary>
    public void AddDrops(ReadOnlySpan<ulong> now)
    {
        Add(now, HostEgress.Unread, DropReason.NobodyReceives);
        Add(now, HostEgress.RingFull, DropReason.HostRingFull);
        Add(now, HostEgress.TooLong, DropReason.FrameTooLong);
        Add(now, HostEgress.Unreadable, DropReason.Rejected);
    }

    public bool PrepareWait()
    {
        if (_segments.Count > 0 || _ring!.Peek() != null)
            return false;
        long now = Environment.TickCount64;
        if (now - _linkAsked < s_linkCheck.TotalMilliseconds)
            return true;
        _linkAsked = now;
        return device.LinkError() == Errno.Success;
    }

    public bool TryTake(byte* to, int room, out int length)
    {
        byte* record;
        while ((record = _ring!.Peek()) != null)
        {
            HostFrameRecord* head = (HostFrameRecord*)record;
            // The pages are read-only to us: only the kernel writes them, and not this record before it is released.
            Span<byte> frame = new(record + HostFrameRecord.Size, (int)head->Length);
            length = head->SegmentSize == 0 ? Whole(head, frame, to, room) : Segment(head, frame, to, room);
            if (_segments.Count == 0)
                _ring.Release();
            if (length > 0)
                return true;
        }
        length = 0;
        return false;
    }

    /// <summary>A frame no longer than the MTU.</summary>
    /// <returns>Its length, or 0 when it was dropped.</returns>
    private int Whole(HostFrameRecord* head, ReadOnlySpan<byte> frame, byte* to, int room)
    {
        int tag = head->HasTag != 0 ? TagBytes : 0;
        if (frame.Length + tag > room)
            return Drop(DropReason.FrameTooLong);
        Put(head, frame, [], to);
        if (CompleteChecksum(head, to + tag, frame.Length))
            counters.ChecksumsCompleted++;
        return frame.Length + tag;
    }

    /// <summary>The next segment of a super-frame; after the last the plan is empty.</summary>
    [SkipLocalsInit]
    private int Segment(HostFrameRecord* head, Span<byte> frame, byte* to, int room)
    {
        if (_segments.Count == 0 && !Plan(head, frame))
            return Drop(DropReason.UnknownOffload);
        int tag = head->HasTag != 0 ? TagBytes : 0;
        int index = _nextSegment++;
        int headers = _segments.Headers;
        int length = 0;
        if (headers + Math.Min(_segments.Payload, frame.Length - headers) + tag > room)
            Drop(DropReason.FrameTooLong);
        else
        {
            Unsafe.SkipInit(out HeaderBytes made);
            ReadOnlySpan<byte> payload = Segmenter.Build(_segments, frame, index, ref made);
            Put(head, made[..headers], payload, to);
            length = headers + payload.Length + tag;
        }
        if (_nextSegment == _segments.Count)
            (_segments, _nextSegment) = (default, 0);
        return length;
    }

    private static bool CompleteChecksum(HostFrameRecord* head, byte* frame, int length) => head->Checksum switch
    {
        HostFrameRecord.Partial => InternetChecksum.Complete(new Span<byte>(frame, length), head->ChecksumStart, head->ChecksumOffset),
        HostFrameRecord.NotSeen => FrameLook.CompleteChecksum(frame, length),
        _ => false,
    };

    private bool Plan(HostFrameRecord* head, ReadOnlySpan<byte> frame)
    {
        Segments sender = (head->Checksum == HostFrameRecord.Partial ? AsTold(head) : ByLook(head)) with
        {
            // Only the first segment of a sender that reduced its window says so, whatever its kind of ECN.
            HasEcn = true,
            Payload = (int)head->SegmentSize,
        };
        if (head->IsRemote != 0 || !Segmenter.TryPlanAt(frame, sender, ushort.MaxValue, out _segments) || _segments.L4 != sender.L4)
        {
            _segments = default;
            return false;
        }
        counters.Segmented++;
        return true;
    }

    /// <summary>The kernel has said where the headers are, those behind a tunnel's too.</summary>
    private static Segments AsTold(HostFrameRecord* head) => new()
    {
        OuterL3 = head->Network,
        L3 = head->IsTunnelled != 0 ? head->InnerNetwork : head->Network,
        L4 = head->ChecksumStart,
        IsTcp = head->ChecksumOffset == TcpChecksum,
    };

    [SkipLocalsInit]
    private static Segments ByLook(HostFrameRecord* head)
    {
        HeaderCopy headers = new((byte*)head + HostFrameRecord.Size, (int)head->Length);
        FrameLook outer = FrameLook.At(ref headers);
        FrameLook carried = outer.Carried;
        FrameLook sender = carried.Protocol != 0 ? carried : outer;
        return sender.Protocol == 0 ? default : new()
        {
            OuterL3 = outer.L3,
            L3 = sender.L3,
            L4 = sender.L4,
            IsTcp = sender.Protocol == LinuxIn.IPPROTO_TCP,
        };
    }

    /// <summary>Writes a frame to its slot, in two parts, with the tag that the kernel kept beside it. Nothing is read back there.</summary>
    private static void Put(HostFrameRecord* head, ReadOnlySpan<byte> first, ReadOnlySpan<byte> rest, byte* to)
    {
        if (head->HasTag != 0)
        {
            first[..Addresses].CopyTo(new Span<byte>(to, Addresses));
            // The record has the EtherType as the wire has it.
            BinaryPrimitives.WriteUInt16LittleEndian(new Span<byte>(to + Addresses, 2), (ushort)head->TagProtocol);
            BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(to + Addresses + 2, 2), (ushort)head->Tag);
            first = first[Addresses..];
            to += Addresses + TagBytes;
        }
        first.CopyTo(new Span<byte>(to, first.Length));
        rest.CopyTo(new Span<byte>(to + first.Length, rest.Length));
    }

    private int Drop(DropReason reason)
    {
        counters.Drop(reason);
        return 0;
    }

    private void Add(ReadOnlySpan<ulong> now, int counter, DropReason reason)
    {
        if (now[counter] == _seen[counter])
            return;
        counters.Drop(reason, (long)(now[counter] - _seen[counter]));
        _seen[counter] = now[counter];
    }

    private int RingBytes() =>
        (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(slots * BytesEach, FewestBytes, MostBytes));
}
