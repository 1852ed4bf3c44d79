using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// Delivers packets of a batch to ports whose virtio-net header has another length than the sender's, one packet at a
/// time: what <see cref="Delivery"/> does for equal ones, at the price of one more copy.
/// </summary>
internal sealed class VnetDelivery(PacketBatch batch, SwitchPort from, KRing source)
{
    private readonly VnetConverter _converter = new(source.BufferSize);

    /// <summary>Sends packets in order. What does not fit, and all after it, is dropped and counted at the destination.</summary>
    public void Send(SwitchPort to, InboundRing inbound, ref Merge merge, int packets)
    {
        int attempt = 0;
        while (packets > 0)
        {
            VnetPlan plan = Plan(to, inbound.Ring, merge.Take());
            while (!TryDeliver(to, inbound, plan))
            {
                // An interface may make room by sending; a program does not (spec 7.4, txsync_retry).
                if (attempt++ == to.Retries)
                {
                    inbound.Counters.Drop(DropReason.DestinationFull, packets);
                    return;
                }
                to.MakeRoom(inbound);
            }
            packets--;
        }
    }

    /// <summary>Lossless: one packet; false when there is no room for it now.</summary>
    public bool TrySend(SwitchPort to, InboundRing inbound, int packet) => TryDeliver(to, inbound, Plan(to, inbound.Ring, packet));

    /// <summary>Takes a packet up and decides what becomes of it at one port.</summary>
    public VnetPlan Plan(SwitchPort to, KRing ring, int packet)
    {
        _converter.Load(batch, packet, from.HeaderLength);
        return _converter.Plan(to, ring);
    }

    /// <summary>Fills slots leased for the packet taken up last.</summary>
    public void Complete(SwitchPort to, InboundRing inbound, in VnetPlan plan, long ticket)
    {
        long bytes = _converter.Write(plan, inbound.Ring, (uint)ticket);
        inbound.Complete(ticket, plan.Slots, plan.Frames, bytes);
        to.Arrived(inbound);
    }

    private bool TryDeliver(SwitchPort to, InboundRing inbound, in VnetPlan plan)
    {
        if (plan.Drop is { } reason)
        {
            // What the sender wrote is the sender's loss.
            (reason == DropReason.FrameTooLong ? inbound.Counters : source.Counters).Drop(reason);
            return true;
        }
        long ticket;
        do
        {
            if (inbound.Free(out ticket) < plan.Slots)
                return false;
        }
        while (!inbound.TryLease(ticket, plan.Slots));
        Complete(to, inbound, plan, ticket);
        return true;
    }
}
