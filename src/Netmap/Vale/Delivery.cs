using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>Copies packets of a batch into a destination's ring: lease, copy, complete, wake.</summary>
internal sealed class Delivery(PacketBatch batch, SwitchPort from, KRing source)
{
    /// <summary>Begun at once.</summary>
    private const int MostParcels = 64;

    private readonly PacketCopier _copier = new(batch);
    private readonly Parcel[] _parcels = new Parcel[MostParcels];
    private int _begun;
    private VnetDelivery? _vnet;

    /// <summary>For ports whose frames begin with another header than ours.</summary>
    public VnetDelivery Vnet => _vnet ??= new(batch, from, source);

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

    /// <summary>Leases slots for as many packets as fit, whole ones only, and copies them.</summary>
    /// <param name="inbound">Where to.</param>
    /// <param name="merge">The packets; those sent are taken.</param>
    /// <param name="wanted">Slots they all need.</param>
    /// <param name="packets">How many they are.</param>
    /// <param name="slots">Slots filled.</param>
    /// <returns>Packets sent.</returns>
    public int SendSome(InboundRing inbound, ref Merge merge, int wanted, int packets, out int slots)
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
            ? _copier.CopyRun(inbound.Ring, merge.TakeRun(lease.Packets), lease.Packets, (uint)lease.Ticket)
            : _copier.CopyMerged(inbound.Ring, ref merge, lease.Packets, (uint)lease.Ticket);
        inbound.Complete(lease.Ticket, lease.Slots, lease.Packets, bytes);
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
