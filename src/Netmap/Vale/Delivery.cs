using System.Runtime.CompilerServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>Copies packets of a batch into a destination's ring: lease, copy, complete, wake.</summary>
internal sealed unsafe class Delivery(PacketBatch batch, SwitchPort from, KRing source)
{
    /// <summary>Begun at once.</summary>
    private const int MostParcels = 64;

    private Target[] _targets = [];
    private readonly Parcel[] _parcels = new Parcel[MostParcels];
    private int _begun;
    private VnetDelivery? _vnet;

    /// <summary>For ports whose frames begin with another header than ours.</summary>
    private VnetDelivery Vnet => _vnet ??= new(batch, from, source);

    /// <summary>
    /// Takes room for two lists of packets, merged in order; <see cref="Finish"/> copies them. What does not fit, and all
    /// after it, is dropped and counted at the destination.
    /// </summary>
    public void Begin(SwitchPort to, InboundRing? inbound, Queue first, Queue second) =>
        Begin(to, inbound, new Merge(batch, first.Head, second.Head), first.Packets + second.Packets, first.Slots + second.Slots);

    /// <summary>The same for the whole batch, all of whose packets go one way.</summary>
    public void BeginAll(SwitchPort to)
    {
        InboundRing[] rings = to.Inbound;
        Begin(to, rings.Length == 0 ? null : rings[source.Id % rings.Length], new Merge(batch, 1, 0, batch.Count), batch.Count, batch.Slots);
    }

    /// <summary>
    /// Copies what room was taken for. Leases come first, then copies, then calls: the full fences of the first and the last
    /// would each wait until the copies before them have reached the cache.
    /// </summary>
    public void Finish()
    {
        for (int i = 0; i < _begun; i++)
            Fill(_parcels[i].Ring, ref _parcels[i].Packets, _parcels[i].Lease);
        for (int i = 0; i < _begun; i++)
        {
            _parcels[i].Port.Arrived(_parcels[i].Ring);
            _parcels[i] = default;
        }
        _begun = 0;
    }

    private void Begin(SwitchPort to, InboundRing? inbound, Merge merge, int packets, int wanted)
    {
        if (inbound is null || !inbound.IsOpen)
        {
            source.Counters.Drop(to.WhyClosed, packets);
        }
        else if (to.HeaderLength != from.HeaderLength)
        {
            Vnet.Send(to, inbound, ref merge, packets);
        }
        else if (to.Retries > 0)
        {
            SendPatiently(to, inbound, merge, packets, wanted);
        }
        else
        {
            if (_begun == MostParcels)
                Finish();
            if (TryLease(inbound, merge, wanted, packets, out Lease lease))
                _parcels[_begun++] = new() { Port = to, Ring = inbound, Packets = merge, Lease = lease };
            if (lease.Packets < packets)
                inbound.Counters.Drop(DropReason.DestinationFull, packets - lease.Packets);
        }
    }

    /// <summary>An interface may make room by sending; a program does not (spec 7.4, txsync_retry).</summary>
    private void SendPatiently(SwitchPort to, InboundRing inbound, Merge merge, int packets, int wanted)
    {
        int sent = 0;
        for (int attempt = 0; ; attempt++)
        {
            sent += SendSome(inbound, ref merge, wanted, packets - sent, out int slots);
            wanted -= slots;
            if (slots > 0)
                to.Arrived(inbound);
            if (sent == packets)
                return;
            if (attempt == to.Retries)
                break;
            if (slots == 0)
                to.MakeRoom(inbound);
        }
        inbound.Counters.Drop(DropReason.DestinationFull, packets - sent);
    }

    /// <summary>Lossless: as many of packets [i, end) as fit, all for one port. The rest is to be tried again.</summary>
    public int TrySendRun(SwitchPort to, int i, int end)
    {
        InboundRing[] rings = to.Inbound;
        InboundRing? inbound = rings.Length == 0 ? null : rings[source.Id % rings.Length];
        if (inbound is null || !inbound.IsOpen)
        {
            source.Counters.Drop(to.WhyClosed, end - i);
            return end - i;
        }
        if (to.HeaderLength != from.HeaderLength)
            return Vnet.TrySendRun(to, inbound, i, end);
        int sent = 0;
        bool marked = false;
        while (i + sent < end)
        {
            int wanted = 0;
            for (int k = i + sent; k < end; k++)
                wanted += batch.PacketAt(k).Fragments;
            Merge merge = new(batch, i + sent + 1, 0, end);
            int some = SendSome(inbound, ref merge, wanted, end - i - sent, out int slots);
            if (slots > 0)
                to.Arrived(inbound);
            sent += some;
            if (some > 0)
            {
                marked = false;
            }
            else if (!CanEverFit(inbound, i + sent))
            {
                inbound.Counters.Drop(DropReason.FrameTooLong);
                sent++;
            }
            else if (marked)
            {
                break;
            }
            else
            {
                // Once more after the mark: room made before it woke nobody.
                inbound.MarkStarved();
                to.RoomWanted(inbound);
                marked = true;
            }
        }
        return sent;
    }

    /// <summary>Lossless: one packet to every other port, or to none yet. 1 when it was sent.</summary>
    public int TrySendToAll(PortTable ports, int packet)
    {
        // Who is open is asked once: a port that opens meanwhile has no lease, one that closes waits for us.
        ReadOnlySpan<Target> targets = FindTargets(ports, packet);
        int marked = -1;
        for (int full; (full = LeaseEach(targets.Length)) >= 0; marked = full)
        {
            // Once more after the mark: room made before it woke nobody.
            if (full == marked)
                return 0;
            targets[full].Ring.MarkStarved();
            targets[full].Port.RoomWanted(targets[full].Ring);
        }
        foreach (Target target in targets)
        {
            if (target.Plan is { } plan)
            {
                Vnet.Complete(target.Port, target.Ring, plan, target.Ticket);
                continue;
            }
            if (target.TooSmall)
            {
                target.Ring.Counters.Drop(DropReason.FrameTooLong);
                continue;
            }
            uint at = (uint)target.Ticket;
            KRing ring = target.Ring.Ring;
            long bytes = Copy(ring, ring.Slots, ref batch.PacketAt(packet), ref at);
            target.Ring.Complete(target.Ticket, target.Slots, 1, bytes);
            target.Port.Arrived(target.Ring);
        }
        if (targets.Length == 0)
            source.Counters.Drop(DropReason.NobodyReceives);
        return 1;
    }

    /// <summary>Ring 0 of every other port that somebody has open.</summary>
    private ReadOnlySpan<Target> FindTargets(PortTable ports, int packet)
    {
        if (_targets.Length < ports.All.Length)
            _targets = new Target[ports.All.Length];
        int count = 0;
        bool loaded = false;
        foreach (SwitchPort port in ports.All)
        {
            if (port == from || port.Inbound is not [{ IsOpen: true } ring, ..])
                continue;
            ref Target target = ref _targets[count++];
            target = new() { Port = port, Ring = ring, Slots = batch.PacketAt(packet).Fragments, TooSmall = !CanEverFit(ring, packet) };
            if (port.HeaderLength == from.HeaderLength)
                continue;
            // Taken up once: all ports get the same, whatever its sender writes meanwhile.
            if (!loaded)
                Vnet.Load(packet);
            loaded = true;
            VnetPlan plan = Vnet.Plan(port, ring.Ring);
            (target.Plan, target.Slots, target.TooSmall) = (plan, plan.Slots, plan.Drop is not null);
        }
        return _targets.AsSpan(0, count);
    }

    /// <summary>Room for one packet at every target; otherwise nothing. The target that was full, or -1.</summary>
    private int LeaseEach(int targets)
    {
        // Without taking anything at first: what is given back may arrive as empty slots.
        for (int i = 0; i < targets; i++)
        {
            if (!_targets[i].TooSmall && _targets[i].Ring.Free(out _) < _targets[i].Slots)
                return i;
        }
        for (int i = 0; i < targets; i++)
        {
            ref Target target = ref _targets[i];
            if (target.TooSmall)
                continue;
            bool room;
            do
                room = target.Ring.Free(out target.Ticket) >= target.Slots;
            while (room && !target.Ring.TryLease(target.Ticket, target.Slots));
            if (room)
                continue;
            int full = i;
            while (--i >= 0)
            {
                if (!_targets[i].TooSmall)
                    _targets[i].Ring.GiveBack(_targets[i].Ticket, _targets[i].Slots);
            }
            return full;
        }
        return -1;
    }

    /// <summary>False for a packet of more slots than the ring will ever have free: waiting would last for ever.</summary>
    private bool CanEverFit(InboundRing inbound, int packet) => batch.PacketAt(packet).Fragments < inbound.Ring.SlotCount;

    /// <summary>Leases what fits, whole packets only, and copies.</summary>
    /// <returns>Packets sent.</returns>
    private int SendSome(InboundRing inbound, ref Merge merge, int wanted, int packets, out int slots)
    {
        if (TryLease(inbound, merge, wanted, packets, out Lease lease))
            Fill(inbound, ref merge, lease);
        slots = lease.Slots;
        return lease.Packets;
    }

    /// <summary>Leases slots for what fits, whole packets only.</summary>
    private static bool TryLease(InboundRing inbound, in Merge merge, int wanted, int packets, out Lease lease)
    {
        do
        {
            int free = inbound.Free(out long ticket);
            lease = new() { Ticket = ticket, Slots = wanted, Packets = packets };
            if (free < wanted)
                lease.Slots = merge.Fit(free, out lease.Packets);
            if (lease.Slots == 0)
                return false;
        }
        while (!inbound.TryLease(lease.Ticket, lease.Slots));
        return true;
    }

    private void Fill(InboundRing inbound, ref Merge merge, in Lease lease)
    {
        long bytes = merge.IsRun
            ? CopyRun(inbound.Ring, merge.TakeRun(lease.Packets), lease.Packets, (uint)lease.Ticket)
            : CopyMerged(inbound.Ring, ref merge, lease.Packets, (uint)lease.Ticket);
        inbound.Complete(lease.Ticket, lease.Slots, lease.Packets, bytes);
    }

    private long CopyRun(KRing ring, int first, int count, uint at)
    {
        RingSlots slots = ring.Slots;
        long bytes = 0;
        for (int i = first; i < first + count; i++)
            bytes += Copy(ring, slots, ref batch.PacketAt(i), ref at);
        return bytes;
    }

    private long CopyMerged(KRing ring, ref Merge packets, int count, uint at)
    {
        RingSlots slots = ring.Slots;
        Merge merge = packets;
        long bytes = 0;
        for (int k = 0; k < count; k++)
            bytes += Copy(ring, slots, ref batch.PacketAt(merge.Take()), ref at);
        packets = merge;
        return bytes;
    }

    /// <summary>One packet into slots from <paramref name="at"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long Copy(KRing ring, scoped in RingSlots slots, ref Packet packet, ref uint at)
    {
        ref Fragment fragment = ref batch.FragmentAt(packet.First);
        if (packet.Fragments != 1)
            return CopyChain(ring, ref fragment, packet.Fragments, ref at);
        int length = CopyFragment(ring, slots, ref fragment, at);
        slots.Fill(at, length, 1 << NetmapH.NS_PORT_SHIFT);
        at = slots.Next(at);
        return length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long CopyChain(KRing ring, ref Fragment fragment, int count, ref uint at)
    {
        RingSlots slots = ring.Slots;
        long bytes = 0;
        for (int k = 0; k < count; k++)
        {
            int length = CopyFragment(ring, slots, ref Unsafe.Add(ref fragment, k), at);
            slots.Fill(at, length, (ushort)((count << NetmapH.NS_PORT_SHIFT) | (k + 1 < count ? NetmapH.NS_MOREFRAG : 0)));
            at = slots.Next(at);
            bytes += length;
        }
        return bytes;
    }

    /// <summary>A fragment that its slot cannot hold arrives with length 0 (spec 7.4), and is counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyFragment(KRing ring, scoped in RingSlots slots, ref Fragment fragment, uint at)
    {
        SlotView slot = slots.Read(at);
        int length = fragment.Length;
        if (slot.IsUnusable || length > slot.Room)
            return Unfit(ring, slot.IsUnusable);
        FrameCopy.Copy(slot.Data, fragment.Data, length);
        return length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Unfit(KRing ring, bool unusable)
    {
        ring.Counters.Drop(unusable ? DropReason.BadSlot : DropReason.FrameTooLong);
        return 0;
    }

    /// <summary>One receiver of a broadcast.</summary>
    private struct Target
    {
        public SwitchPort Port;
        public InboundRing Ring;
        public long Ticket;
        public int Slots;

        /// <summary>Never to have it: it leases nothing.</summary>
        public bool TooSmall;

        /// <summary>For another header than the sender's.</summary>
        public VnetPlan? Plan;
    }

    /// <summary>Slots of a ring that are ours to fill.</summary>
    private struct Lease
    {
        public long Ticket;
        public int Slots;
        public int Packets;
    }

    /// <summary>Packets of a batch for one port, with room for them.</summary>
    private struct Parcel
    {
        public SwitchPort Port;
        public InboundRing Ring;
        public Merge Packets;
        public Lease Lease;
    }
}
