using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// Delivers packets of a batch on a lossless switch: what finds no room stays with its sender, who is woken when there is
/// some.
/// </summary>
internal sealed class LosslessDelivery(PacketBatch batch, SwitchPort from, KRing source, Delivery delivery)
{
    private readonly PacketCopier _copier = new(batch);
    private Target[] _targets = [];

    /// <summary>As many of packets [i, end) as fit, all for one port. The rest is to be tried again.</summary>
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
            return delivery.Vnet.TrySendRun(to, inbound, i, end);
        int sent = 0;
        bool marked = false;
        while (i + sent < end)
        {
            int wanted = 0;
            for (int k = i + sent; k < end; k++)
                wanted += batch.PacketAt(k).Fragments;
            Merge merge = new(batch, i + sent + 1, 0, end);
            int some = delivery.SendSome(inbound, ref merge, wanted, end - i - sent, out int slots);
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

    /// <summary>One packet to every other port, or to none yet. 1 when it was sent.</summary>
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
                delivery.Vnet.Complete(target.Port, target.Ring, plan, target.Ticket);
                continue;
            }
            if (target.TooSmall)
            {
                target.Ring.Counters.Drop(DropReason.FrameTooLong);
                continue;
            }
            uint at = (uint)target.Ticket;
            KRing ring = target.Ring.Ring;
            long bytes = _copier.Copy(ring, ring.Slots, ref batch.PacketAt(packet), ref at);
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
                delivery.Vnet.Load(packet);
            loaded = true;
            VnetPlan plan = delivery.Vnet.Plan(port, ring.Ring);
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
}
