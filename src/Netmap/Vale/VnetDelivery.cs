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
            Load(merge.Take());
            VnetPlan plan = Plan(to, inbound.Ring);
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

    /// <summary>Lossless: as many of packets [first, end) as fit. The rest is to be tried again.</summary>
    public int TrySendRun(SwitchPort to, InboundRing inbound, int first, int end)
    {
        int packet = first;
        bool marked = false;
        while (packet < end)
        {
            Load(packet);
            if (TryDeliver(to, inbound, Plan(to, inbound.Ring)))
            {
                packet++;
                marked = false;
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
        return packet - first;
    }

    /// <summary>Takes a packet up: the calls that follow are about it.</summary>
    public void Load(int packet) => _converter.Load(batch, packet, from.HeaderLength);

    /// <summary>Decides what becomes of the packet at one port.</summary>
    public VnetPlan Plan(SwitchPort to, KRing ring) => _converter.Plan(to, ring);

    /// <summary>Fills slots leased for the packet, or counts it as lost.</summary>
    public void Complete(SwitchPort to, InboundRing inbound, in VnetPlan plan, long ticket)
    {
        if (plan.Drop is { } reason)
        {
            // What the sender wrote is the sender's loss.
            (reason == DropReason.FrameTooLong ? inbound.Counters : source.Counters).Drop(reason);
            return;
        }
        long bytes = _converter.Write(plan, inbound.Ring, (uint)ticket);
        inbound.Complete(ticket, plan.Slots, plan.Frames, bytes);
        to.Arrived(inbound);
    }

    private bool TryDeliver(SwitchPort to, InboundRing inbound, in VnetPlan plan)
    {
        long ticket = 0;
        do
        {
            if (plan.Drop is null && inbound.Free(out ticket) < plan.Slots)
                return false;
        }
        while (plan.Drop is null && !inbound.TryLease(ticket, plan.Slots));
        Complete(to, inbound, plan, ticket);
        return true;
    }
}
