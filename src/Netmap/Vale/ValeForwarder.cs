using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// Sends the packets of one source ring through its switch: takes a batch apart, learns and looks up, and hands each
/// destination its packets in one go (spec 7.4). Runs on the thread that syncs the ring.
/// </summary>
internal sealed unsafe class ValeForwarder
{
    private readonly SwitchPort _port;
    private readonly KRing _source;
    private readonly PacketBatch _batch;
    private readonly Destinations _destinations;
    private readonly Delivery _delivery;
    private readonly LosslessDelivery _lossless;
    private uint _lastPlace;
    private uint _lastLearned;
    private long _packets;
    private long _bytes;

    public ValeForwarder(SwitchPort port, KRing source, NetmapEngineOptions options)
    {
        (_port, _source) = (port, source);
        _batch = new PacketBatch(Math.Clamp(options.SwitchBatch, 1, 1024));
        // One number is never a port's.
        _destinations = new Destinations(_batch, options.SwitchPortCount + 1);
        _delivery = new Delivery(_batch, port, source);
        _lossless = new LosslessDelivery(_batch, port, source, _delivery);
    }

    /// <summary>Forwards slots <paramref name="from"/> up to <paramref name="to"/>.</summary>
    /// <param name="vale">The switch.</param>
    /// <param name="from">First slot.</param>
    /// <param name="to">Slot after the last one.</param>
    /// <param name="indirect">Where slots with NS_INDIRECT find their data; null where none may have any.</param>
    /// <returns><paramref name="to"/>, or the first slot whose data is not there yet, or that found no room on a lossless switch.</returns>
    public uint Forward(ValeSwitch vale, uint from, uint to, IndirectData? indirect = null)
    {
        uint now = vale.Now;
        PortTable ports = vale.Ports;
        while (from != to)
        {
            uint end = _batch.Fill(_source, from, to, indirect);
            if (vale.Lossless)
            {
                uint stopped = SendInOrder(vale, ports, now, end);
                if (stopped != end)
                    return stopped;
            }
            else
            {
                int only = RouteAll(vale, ports, now);
                if (only >= 0)
                    _delivery.BeginAll(ports.ByNumber[only]!);
                else if (_batch.Count > 0)
                    Send(ports);
                _delivery.Finish();
                Count(_batch.Count, _batch.Bytes);
            }
            if (_batch.IsCut)
                return end;
            from = end;
        }
        return to;
    }

    /// <summary>Finds the destination of each packet of the batch.</summary>
    /// <returns>What they have in common, or <see cref="Destinations.Several"/>.</returns>
    private int RouteAll(ValeSwitch vale, PortTable ports, uint now)
    {
        int only = Destinations.Several;
        for (int i = 0; i < _batch.Count; i++)
        {
            ref Packet packet = ref _batch.PacketAt(i);
            int destination = Route(vale, ports, i, now);
            packet.Destination = destination;
            if (destination != only)
                only = i == 0 ? destination : Destinations.Several;
        }
        return only;
    }

    private void Send(PortTable ports)
    {
        Sort();
        Queue broadcast = _destinations.Broadcast;
        if (broadcast.Head == 0)
        {
            foreach (int number in _destinations.Touched)
                Send(ports.ByNumber[number]!, _destinations[number], default);
        }
        else
        {
            bool anybody = false;
            foreach (SwitchPort port in ports.All)
            {
                if (port == _port)
                    continue;
                anybody = true;
                Send(port, _destinations[port.Number], broadcast);
            }
            if (!anybody)
                _source.Counters.Drop(DropReason.NobodyReceives, broadcast.Packets);
        }
        _destinations.Clear();
    }

    private void Sort()
    {
        for (int i = 0; i < _batch.Count; i++)
        {
            int destination = _batch.PacketAt(i).Destination;
            _destinations.Add(i, destination);
            if (destination < Destinations.Everybody)
                Drop(destination);
        }
    }

    /// <summary>
    /// Unicast goes to the ring of the sender's number, broadcast to ring 0. Where that is one ring the two are merged in
    /// order; the reference may deliver broadcasts twice here [Q].
    /// </summary>
    private void Send(SwitchPort to, Queue unicast, Queue broadcast)
    {
        InboundRing[] rings = to.Inbound;
        int ring = rings.Length > 1 ? _source.Id % rings.Length : 0;
        if (ring > 0 && unicast.Head != 0 && broadcast.Head != 0)
        {
            _delivery.Begin(to, rings[ring], unicast, default);
            _delivery.Begin(to, rings[0], default, broadcast);
            return;
        }
        _delivery.Begin(to, rings.Length == 0 ? null : rings[broadcast.Head != 0 ? 0 : ring], unicast, broadcast);
    }

    /// <summary>One packet after the other, until one finds no room.</summary>
    /// <returns>The slot where that one begins, or <paramref name="end"/>.</returns>
    private uint SendInOrder(ValeSwitch vale, PortTable ports, uint now, uint end)
    {
        int next = _batch.Count > 0 ? Route(vale, ports, 0, now) : 0;
        for (int i = 0; i < _batch.Count;)
        {
            int destination = next;
            int last = i + 1;
            while (last < _batch.Count && (next = Route(vale, ports, last, now)) == destination && destination >= 0)
                last++;
            int sent = destination switch
            {
                < Destinations.Everybody => Drop(destination),
                Destinations.Everybody => _lossless.TrySendToAll(ports, i),
                _ => _lossless.TrySendRun(ports.ByNumber[destination]!, i, last),
            };
            Count(sent, _batch.BytesOf(i, sent));
            if (sent < last - i)
                return _batch.PacketAt(i + sent).Start;
            i = last;
        }
        return end;
    }

    /// <summary>What was forwarded since the last call, to be counted by the port.</summary>
    public void TakeCounts(RingCounters counters)
    {
        counters.Packets += _packets;
        counters.Bytes += _bytes;
        (_packets, _bytes) = (0, 0);
    }

    private void Count(int packets, long bytes)
    {
        _packets += packets;
        _bytes += bytes;
    }

    /// <summary>Learns the source, and finds the destination: a port's number, everybody, or nobody and why.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Route(ValeSwitch vale, PortTable ports, int i, uint now)
    {
        ref Packet packet = ref _batch.PacketAt(i);
        byte* frame = Header(packet);
        if (frame == null)
            return Destinations.TooShort;
        // Each address is read once: the program may still write the buffer.
        ulong to = BinaryPrimitives.ReadUInt64LittleEndian(new(frame, 8)) & ForwardingTable.AddressMask;
        ulong source = BinaryPrimitives.ReadUInt64LittleEndian(new(frame + 6, 8)) & ForwardingTable.AddressMask;
        bool known = vale.Table.Holds(_lastPlace, ForwardingTable.Entry(source, _port.Number)) && now == _lastLearned;
        if (!known && ForwardingTable.IsStation(source) && (packet.Flags & NetmapH.NS_NO_LEARN) == 0)
            (_lastPlace, _lastLearned) = (vale.Table.Learn(source, _port.Number, now), now);
        int number;
        if (packet.Flags >> NetmapH.NS_PORT_SHIFT != 0)
            number = packet.Flags >> NetmapH.NS_PORT_SHIFT;
        else if (ForwardingTable.IsGroup(to) || (number = vale.Table.Find(to, now)) < 0)
            return Destinations.Everybody;
        return (uint)number < (uint)ports.ByNumber.Length && ports.ByNumber[number] is not null && number != _port.Number
            ? number
            : Destinations.Nowhere;
    }

    /// <summary>The Ethernet header: behind the virtio-net header, in the first fragment or, where that holds just the one, in the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Header(in Packet packet)
    {
        ref Fragment first = ref _batch.FragmentAt(packet.First);
        int skip = _port.HeaderLength;
        if (first.Length >= skip + LinuxIfEther.ETH_HLEN)
            return first.Data + skip;
        if (first.Length != skip || skip == 0 || packet.Fragments < 2)
            return null;
        ref Fragment second = ref _batch.FragmentAt(packet.First + 1);
        return second.Length >= LinuxIfEther.ETH_HLEN ? second.Data : null;
    }

    /// <summary>Counts a packet that goes nowhere; it is done with.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Drop(int destination)
    {
        _source.Counters.Drop(destination == Destinations.TooShort ? DropReason.TooShort : DropReason.NoDestination);
        return 1;
    }
}
