using System.Runtime.CompilerServices;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Rings;

/// <summary>
/// The engine's side of a ring: the only owner of its indices, their validation and their memory ordering (spec 2). Its
/// state lives outside shared memory; what the program writes into the ring is read once and checked, and the copy used.
/// Everything between <see cref="TryEnter"/> and <see cref="Exit"/> runs on one thread at a time.
/// </summary>
internal sealed unsafe partial class KRing(RingDirection direction, int id, uint slots, NetmapMemory memory, RingCounters counters)
{
    private readonly uint _lim = slots - 1;
    private readonly uint _bufferCount = memory.BufferCount;
    private netmap_ring* _ring;
    private netmap_slot* _slots;
    private byte* _buffers;
    private uint _rtail;
    private uint _entries;

    // A ring lets nobody in before its port is whole: monitors look at rings that no file may have bound.
    private bool _stopped = true;
    private bool _condemned;
    private IRingTap[]? _taps;

    public RingDirection Direction { get; } = direction;

    /// <summary>Number of the ring in its direction, from 0; host rings follow the NIC's.</summary>
    public int Id { get; } = id;

    /// <summary>Leads to the host's stack, not to the wire (spec 6).</summary>
    public bool IsHost { get; init; }

    public uint SlotCount { get; } = slots;

    public NetmapMemory Memory { get; } = memory;

    public int BufferSize { get; } = memory.BufferSize;

    public RingCounters Counters { get; } = counters;

    /// <summary>Who waits for this ring.</summary>
    public WaitQueue Waiters { get; } = new();

    /// <summary>The program's head as last validated.</summary>
    public uint RHead { get; private set; }

    /// <summary>The program's cur as last validated.</summary>
    public uint RCur { get; private set; }

    /// <summary>TX: next slot to hand to the port. RX: first slot the program has not returned yet.</summary>
    public uint HwCur { get; set; }

    /// <summary>TX: first slot not available to the program. RX: first slot not filled yet.</summary>
    public uint HwTail { get; set; }

    /// <summary>Open files bound to the ring.</summary>
    public int Users { get; private set; }

    /// <summary>An open file holds the ring for itself.</summary>
    public bool Exclusive { get; private set; }

    /// <summary>Bound by somebody and in netmap mode.</summary>
    public bool On { get; set; }

    /// <summary>Where frames begin in their buffers.</summary>
    public SlotOffsets Offsets { get; private set; }

    /// <summary>Bytes a slot of this ring holds for certain, whatever its offset.</summary>
    public int SlotRoom => Math.Min(BufferSize - (int)Offsets.Max, ushort.MaxValue);

    /// <summary>Monitors; null for none, replaced as a whole.</summary>
    public IRingTap[]? Taps
    {
        get => Volatile.Read(ref _taps);
        set => Volatile.Write(ref _taps, value);
    }

    /// <summary>An event is pending: NKR_PENDINTR, for engines that import only after one.</summary>
    public bool PendingInterrupt { get; set; }

    /// <summary>Position of the ring in its memory's region, or -1 while it has none.</summary>
    public long Position { get; private set; } = -1;

    public bool Exists => _ring != null;

    /// <summary>Index arithmetic of this ring.</summary>
    public uint Next(uint i) => RingIndex.Next(i, _lim);

    public uint Previous(uint i) => RingIndex.Previous(i, _lim);

    public uint Distance(uint from, uint to) => RingIndex.Distance(from, to, _lim);

    public uint Advance(uint i, uint count) => RingIndex.Advance(i, count, _lim);

    /// <summary>TX: the program has used all slots it was given (nm_kr_txempty).</summary>
    public bool IsTxFull => RCur == HwTail;

    /// <summary>RX: the port has a slot to fill.</summary>
    public bool HasFreeSlots => HwTail != Previous(HwCur);

    /// <summary>TX: slots handed to the port and not completed yet.</summary>
    public bool HasUncompleted => Next(HwTail) != HwCur;

    /// <summary>Takes the ring for a sync (spec 2.5).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RingEntry TryEnter()
    {
        if (Volatile.Read(ref _stopped))
            return RingEntry.Stopped;
        uint entries = Volatile.Read(ref _entries);
        // Acquire: pairs with the release in Exit, so that the engine's indices are those the last sync left.
        if ((entries & 1) != 0 || Interlocked.CompareExchange(ref _entries, entries + 1, entries) != entries)
            return RingEntry.Busy;
        // The exchange is a full fence that pairs with the one in Stop: either Stop waits for us, or we see it here.
        if (!Volatile.Read(ref _stopped))
            return RingEntry.Entered;
        Exit();
        return RingEntry.Stopped;
    }

    /// <summary>Release: pairs with the acquire in <see cref="TryEnter"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => Volatile.Write(ref _entries, _entries + 1);

    /// <summary>
    /// Lets nobody in until <see cref="Resume"/>, and waits until the thread inside, if any, has left.
    /// </summary>
    public void Stop()
    {
        Volatile.Write(ref _stopped, true);
        Synchronize();
    }

    /// <summary>Lets threads in, now that all the ring needs exists; a condemned ring stays closed.</summary>
    public void Resume()
    {
        Volatile.Write(ref _stopped, false);
        // Full fence; pairs with the one in Condemn: either the mark is seen here, or its second store comes after ours.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _condemned))
            Volatile.Write(ref _stopped, true);
    }

    /// <summary>
    /// Waits until whoever is inside now has left. What was published before the call (a port taken off its switch, a
    /// monitor off its ring) is seen by everybody who enters later; the fence pairs with the exchange in TryEnter.
    /// </summary>
    public void Synchronize()
    {
        Interlocked.MemoryBarrier();
        uint entries = Volatile.Read(ref _entries);
        SpinWait spin = default;
        while ((entries & 1) != 0 && Volatile.Read(ref _entries) == entries)
            spin.SpinOnce();
    }

    /// <summary>Marks the ring as without an interface: every entry from now on says Stopped.</summary>
    public void Condemn()
    {
        Volatile.Write(ref _condemned, true);
        // Full fence; pairs with the one in Resume.
        Interlocked.MemoryBarrier();
        Volatile.Write(ref _stopped, true);
    }

    /// <summary>
    /// Reads the program's head and cur, once, and checks them; also puts back a tail the program wrote over (spec 2.2).
    /// </summary>
    /// <returns>False when they make no sense: the caller does <see cref="Reinit"/>.</returns>
    public bool Prologue()
    {
        // Load-acquire: the slots the program filled before it stored head are visible; pairs with its store-release of
        // head (NetmapRing.Release; on x86 every store of a C program).
        uint head = Volatile.Read(ref _ring->head);
        uint cur = Volatile.Read(ref _ring->cur);
        uint first = Direction == RingDirection.Tx ? RHead : HwCur;
        uint last = Direction == RingDirection.Tx ? _rtail : HwTail;
        if (head > _lim || cur > _lim)
            return false;
        uint owned = RingIndex.Distance(first, last, _lim);
        uint released = RingIndex.Distance(first, head, _lim);
        if (released > owned || RingIndex.Distance(head, cur, _lim) > owned - released)
            return false;
        if (Volatile.Read(ref _ring->tail) != _rtail)
            Volatile.Write(ref _ring->tail, _rtail);
        RHead = head;
        RCur = cur;
        return true;
    }

    /// <summary>The program's head and cur come from elsewhere (CSB mode): the prologue reads them in the ring.</summary>
    public void SetProgramIndices(uint head, uint cur)
    {
        Volatile.Write(ref _ring->head, head);
        Volatile.Write(ref _ring->cur, cur);
    }

    /// <summary>
    /// Makes a ring with impossible indices usable again (spec 2.3): clears bad slots, and where an index is beyond the
    /// ring sets the program's indices to the engine's. Indices within the ring but out of order stay as the program wrote
    /// them; unlike the reference, the engine never takes them over as its own, so they are refused until mended.
    /// </summary>
    public void Reinit()
    {
        for (uint i = 0; i <= _lim; i++)
        {
            uint index = Volatile.Read(ref _slots[i].buf_idx);
            if (index < 2 || index >= Memory.BufferCount)
                (_slots[i].buf_idx, _slots[i].len) = (0, 0);
            else if (Volatile.Read(ref _slots[i].len) > BufferSize)
                _slots[i].len = 0;
        }
        if (Volatile.Read(ref _ring->head) > _lim || Volatile.Read(ref _ring->cur) > _lim || Volatile.Read(ref _ring->tail) > _lim)
        {
            RHead = RCur = HwCur;
            Volatile.Write(ref _ring->head, HwCur);
            Volatile.Write(ref _ring->cur, HwCur);
        }
        PublishTail();
    }

    /// <summary>Moves head and cur of a ring whose user is the engine itself: an interface on a switch.</summary>
    public void MoveHead(uint head) => RHead = RCur = head;

    /// <summary>After a sync: the program sees the engine's tail (spec 2.4).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PublishTail()
    {
        _rtail = HwTail;
        // Store-release: frames and slots written by this sync are visible before tail; pairs with the program's
        // load-acquire of tail (NetmapRing.Tail).
        Volatile.Write(ref _ring->tail, _rtail);
    }

    /// <summary>True when the program would be woken: cur is not at tail.</summary>
    public bool IsReady => RCur != _rtail;

    /// <summary>TX: the program has moved head since the last sync. Reads head without judging it.</summary>
    public bool HasUnsent => Volatile.Read(ref _ring->head) != HwCur;

    /// <summary>RX: released slots are to be forwarded if marked (spec 6).</summary>
    public bool WantsForward => (Volatile.Read(ref _ring->flags) & NetmapH.NR_FORWARD) != 0;

    /// <summary>RX of the host: frames were put on transmit rings, which nobody has synced since.</summary>
    public bool HasForwarded { get; set; }

    /// <summary>RX: stamps the ring's <c>ts</c> unless only rings that ask for it shall be.</summary>
    public void Stamp(bool onlyOnRequest, DateTimeOffset now)
    {
        if (onlyOnRequest && (Volatile.Read(ref _ring->flags) & NetmapH.NR_TIMESTAMP) == 0)
            return;
        long ticks = now.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        _ring->ts.tv_sec = ticks / TimeSpan.TicksPerSecond;
        _ring->ts.tv_usec = ticks % TimeSpan.TicksPerSecond / 10;
    }
}
