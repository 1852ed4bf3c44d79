using System.Runtime.CompilerServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>Copies packets of a batch into a destination's ring: lease, copy, complete, wake.</summary>
internal sealed unsafe class Delivery(PacketBatch batch, SwitchPort from, KRing source)
{
    private (InboundRing? Ring, long Ticket)[] _leases = [];

    /// <summary>
    /// Sends two lists of packets, merged in order. What does not fit, and all after it, is dropped and counted at the
    /// destination.
    /// </summary>
    public void Send(SwitchPort to, InboundRing? inbound, Queue first, Queue second)
    {
        int packets = first.Packets + second.Packets;
        if (inbound is null || !inbound.IsOpen)
        {
            source.Counters.Drop(to.WhyClosed, packets);
            return;
        }
        Merge merge = new(batch, first.Head, second.Head);
        int wanted = first.Slots + second.Slots;
        int sent = 0;
        for (int attempt = 0; ; attempt++)
        {
            sent += SendSome(inbound, ref merge, wanted, packets - sent, out int slots);
            wanted -= slots;
            if (slots > 0)
                to.Arrived(inbound);
            if (sent == packets)
                return;
            // An interface may make room by sending; a program does not (spec 7.4, txsync_retry).
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
                continue;
            if (batch.PacketAt(i + sent).Fragments >= inbound.Ring.SlotCount)
            {
                // There will never be room for this one.
                inbound.Counters.Drop(DropReason.FrameTooLong);
                sent++;
                continue;
            }
            if (marked)
                break;
            // Once more after the mark: room made before it woke nobody.
            inbound.MarkStarved();
            to.RoomWanted(inbound);
            marked = true;
        }
        return sent;
    }

    /// <summary>Lossless: one packet to every other port, or to none yet. 1 when it was sent.</summary>
    public int TrySendToAll(PortTable ports, int packet)
    {
        if (_leases.Length < ports.All.Length)
            _leases = new (InboundRing?, long)[ports.All.Length];
        int slots = batch.PacketAt(packet).Fragments;
        bool marked = false;
        while (Lease(ports, slots) is { } full)
        {
            if (marked)
                return 0;
            full.Inbound[0].MarkStarved();
            full.RoomWanted(full.Inbound[0]);
            marked = true;
        }
        for (int i = 0; i < ports.All.Length; i++)
        {
            (InboundRing? inbound, long ticket) = _leases[i];
            if (inbound is null)
                continue;
            uint at = (uint)ticket;
            long bytes = Copy(inbound.Ring, packet, ref at);
            inbound.Complete(ticket, slots, 1, bytes);
            ports.All[i].Arrived(inbound);
        }
        return 1;
    }

    /// <summary>
    /// Room for one packet at every open port; otherwise nothing, and the port that was full. Ports may open and close
    /// meanwhile: what was leased is remembered.
    /// </summary>
    private SwitchPort? Lease(PortTable ports, int slots)
    {
        for (int i = 0; i < ports.All.Length; i++)
        {
            InboundRing? inbound = Target(ports.All[i], slots);
            _leases[i] = (inbound, 0);
            if (inbound is null)
                continue;
            bool room;
            do
                room = inbound.Free(out _leases[i].Ticket) >= slots;
            while (room && !inbound.TryLease(_leases[i].Ticket, slots));
            if (room)
                continue;
            for (int k = i - 1; k >= 0; k--)
                _leases[k].Ring?.GiveBack(_leases[k].Ticket, slots);
            return ports.All[i];
        }
        return null;
    }

    /// <summary>The ring a broadcast goes to, or null for a port that gets none; one that can never hold it is no reason to wait.</summary>
    private InboundRing? Target(SwitchPort port, int slots)
    {
        if (port == from || port.Inbound is not [{ IsOpen: true } inbound, ..])
            return null;
        if (slots < inbound.Ring.SlotCount)
            return inbound;
        inbound.Counters.Drop(DropReason.FrameTooLong);
        return null;
    }

    /// <summary>Leases what fits, whole packets only, and copies.</summary>
    /// <returns>Packets sent.</returns>
    private int SendSome(InboundRing inbound, ref Merge merge, int wanted, int packets, out int slots)
    {
        long ticket;
        int fitting;
        do
        {
            int free = inbound.Free(out ticket);
            fitting = packets;
            slots = wanted;
            if (free < wanted)
                slots = merge.Fit(free, out fitting);
            if (slots == 0)
                return 0;
        }
        while (!inbound.TryLease(ticket, slots));
        KRing ring = inbound.Ring;
        uint at = (uint)ticket;
        long bytes = 0;
        for (int k = 0; k < fitting; k++)
            bytes += Copy(ring, merge.Take(), ref at);
        inbound.Complete(ticket, slots, fitting, bytes);
        return fitting;
    }

    /// <summary>One packet into slots from <paramref name="at"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long Copy(KRing ring, int packet, ref uint at)
    {
        ref Packet entry = ref batch.PacketAt(packet);
        ref Fragment fragment = ref batch.FragmentAt(entry.First);
        if (entry.Fragments != 1)
            return CopyChain(ring, ref fragment, entry.Fragments, ref at);
        int length = CopyFragment(ring, ref fragment, at);
        ring.Fill(at, length, 1 << NetmapH.NS_PORT_SHIFT);
        at = ring.Next(at);
        return length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long CopyChain(KRing ring, ref Fragment fragment, int count, ref uint at)
    {
        long bytes = 0;
        for (int k = 0; k < count; k++)
        {
            int length = CopyFragment(ring, ref Unsafe.Add(ref fragment, k), at);
            ring.Fill(at, length, (ushort)((count << NetmapH.NS_PORT_SHIFT) | (k + 1 < count ? NetmapH.NS_MOREFRAG : 0)));
            at = ring.Next(at);
            bytes += length;
        }
        return bytes;
    }

    /// <summary>A fragment that its slot cannot hold arrives with length 0 (spec 7.4), and is counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyFragment(KRing ring, ref Fragment fragment, uint at)
    {
        SlotView slot = ring.Slot(at);
        int length = fragment.Length;
        if (slot.IsUnusable || length > slot.Room)
            return Unfit(ring, slot);
        FrameCopy.Copy(slot.Data, fragment.Data, length);
        return length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Unfit(KRing ring, in SlotView slot)
    {
        ring.Counters.Drop(slot.IsUnusable ? DropReason.BadSlot : DropReason.FrameTooLong);
        return 0;
    }
}
