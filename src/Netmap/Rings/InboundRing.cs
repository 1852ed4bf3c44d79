using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Devices;

namespace Netmap.Rings;

/// <summary>
/// Lets many threads fill the free slots of one ring at once (spec 7.4): each leases a run of slots, copies into it
/// unlocked, and completes it; the ring's own sync collects completed runs in the order of the leases. No lock: a slow
/// sender delays what was leased after it, and blocks nobody.
/// </summary>
/// <param name="ring">The ring to fill.</param>
/// <param name="counters">What arrives is counted here, by default with the ring.</param>
internal sealed class InboundRing(KRing ring, RingCounters? counters = null)
{
    private readonly Lease[] _leases = new Lease[ring.SlotCount];
    private Shared _shared;

    public KRing Ring { get; } = ring;

    public RingCounters Counters { get; } = counters ?? ring.Counters;

    /// <summary>Somebody reads the ring. Senders look at it inside a sync of their own ring, so that whoever closes it can wait for them.</summary>
    public bool IsOpen
    {
        get => Volatile.Read(ref _shared.Open);
        set => Volatile.Write(ref _shared.Open, value);
    }

    /// <summary>Starts anew on a ring that nobody sends to.</summary>
    /// <param name="next">First slot to fill.</param>
    /// <param name="released">First slot the reader has not given back.</param>
    public void Reset(uint next, uint released)
    {
        Array.Clear(_leases);
        _shared.Next = next;
        _shared.Released = released;
    }

    /// <summary>Slots free now, and a ticket to lease some of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Free(out long ticket)
    {
        uint released;
        do
        {
            ticket = Volatile.Read(ref _shared.Next);
            // Load-acquire: the reader is done with slots it released; pairs with the store-release in Release.
            released = Volatile.Read(ref _shared.Released);
        }
        // Others may have filled the ring past our ticket, and the reader released it: an empty ring would look full.
        while (Volatile.Read(ref _shared.Next) != ticket);
        return (int)(Ring.SlotCount - 1 - Ring.Distance(released, (uint)ticket));
    }

    /// <summary>Leases <paramref name="slots"/> slots from <c>(uint)ticket</c> on; false when somebody else was faster.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryLease(long ticket, int slots) =>
        // The upper half counts leases: a ring that went round meanwhile is not mistaken for one that stood still.
        Interlocked.CompareExchange(ref _shared.Next, After(ticket, slots), ticket) == ticket;

    /// <summary>The slots of a lease hold their frames.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Complete(long ticket, int slots, int packets, long bytes)
    {
        ref Lease lease = ref _leases[(uint)ticket];
        lease.Packets = packets;
        lease.Bytes = bytes;
        // Store-release: frames and slots are visible before the lease is complete; pairs with the load-acquire in Collect.
        Volatile.Write(ref lease.Slots, slots);
    }

    /// <summary>Gives a lease back unused; if others followed it, its slots arrive empty (spec 7.4).</summary>
    public void GiveBack(long ticket, int slots)
    {
        long after = After(ticket, slots);
        long before = (((after >> 32) + 1) << 32) | (uint)ticket;
        if (Interlocked.CompareExchange(ref _shared.Next, before, after) == after)
            return;
        uint at = (uint)ticket;
        for (int i = 0; i < slots; i++, at = Ring.Next(at))
            Ring.Fill(at, 0, 1 << 8);
        Complete(ticket, slots, 0, 0);
    }

    /// <summary>The reader's side: moves over completed leases from <paramref name="tail"/> on, and counts them.</summary>
    /// <returns>The new tail.</returns>
    public uint Collect(uint tail)
    {
        while (true)
        {
            ref Lease lease = ref _leases[tail];
            // Load-acquire; pairs with the store-release in Complete.
            int slots = Volatile.Read(ref lease.Slots);
            if (slots == 0)
                return tail;
            Counters.Packets += lease.Packets;
            Counters.Bytes += lease.Bytes;
            Counters.Irqs++;
            lease.Slots = 0;
            tail = Ring.Advance(tail, (uint)slots);
        }
    }

    /// <summary>Packets that came after the last sync, once nobody reads the ring nor sends to it.</summary>
    public long Uncollected()
    {
        long packets = 0;
        for (uint i = Ring.HwTail; _leases[i].Slots != 0; i = Ring.Advance(i, (uint)_leases[i].Slots))
            packets += _leases[i].Packets;
        return packets;
    }

    /// <summary>The reader's side: slots before <paramref name="released"/> may be filled again.</summary>
    // Store-release; pairs with the load-acquire in Free.
    public void Release(uint released) => Volatile.Write(ref _shared.Released, released);

    /// <summary>
    /// A sender found no room and will wait. The full fence pairs with the one in <see cref="TakeStarved"/>: either it
    /// sees the room made meanwhile, or the reader sees the mark.
    /// </summary>
    public void MarkStarved() => Interlocked.Exchange(ref _shared.Starved, 1);

    /// <summary>Some sender has waited for room, as seen without a fence.</summary>
    public bool IsStarved => Volatile.Read(ref _shared.Starved) != 0;

    /// <summary>After <see cref="Release"/>: some sender waits for room.</summary>
    public bool TakeStarved()
    {
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref _shared.Starved) != 0 && Interlocked.Exchange(ref _shared.Starved, 0) != 0;
    }

    private long After(long ticket, int slots) => (((ticket >> 32) + 1) << 32) | Ring.Advance((uint)ticket, (uint)slots);

    private struct Lease
    {
        public int Slots;
        public int Packets;
        public long Bytes;
    }

    /// <summary>What senders write and what the reader writes, in pairs of cache lines of their own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        [FieldOffset(128)]
        public long Next;

        [FieldOffset(136)]
        public int Starved;

        [FieldOffset(256)]
        public uint Released;

        [FieldOffset(260)]
        public bool Open;
    }
}
