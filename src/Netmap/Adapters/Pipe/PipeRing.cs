using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Pipe;

/// <summary>
/// One transmit ring and the receive ring at the other end: equal size, at first the same buffers in the same slots.
/// Whole slots are copied across, and back when the receiver releases them; so buffers travel, data does not (spec 8).
/// One thread at a time is in <see cref="Send"/> and one in <see cref="Receive"/>: they share two indices and no lock.
/// </summary>
internal sealed class PipeRing
{
    private readonly KRing _tx;
    private readonly KRing _rx;
    private Shared _shared;

    private PipeRing(KRing tx, KRing rx)
    {
        (_tx, _rx) = (tx, rx);
        Reset();
    }

    /// <summary>Joins the transmit rings of one end with the receive rings of the other.</summary>
    public static void Join(PipeAdapter from, PipeAdapter to) =>
        from.Out = [.. from.TxRings.Select((tx, i) => new PipeRing(tx, to.RxRings[i]))];

    /// <summary>Makes the rings of both ends in shared memory, or joins those that are there.</summary>
    /// <exception cref="NetmapException">ENOMEM; nothing is left behind.</exception>
    public void Open(KRing ring, string port)
    {
        if (!_tx.Exists)
            Create(port);
        if (ring == _rx)
        {
            // What was sent before this end opened is there at once.
            _rx.HwTail = Volatile.Read(ref _shared.Published);
            _rx.PublishTail();
        }
    }

    public void Close(KRing ring)
    {
        if (!_tx.Exists || (ring == _tx ? _rx : _tx).Users > 0)
            return;
        // No user left, but perhaps a monitor inside.
        _tx.Stop();
        _rx.Stop();
        // Slots the receiver had: their buffers, possibly exchanged, are in its ring.
        uint first = _rx.HwCur;
        _rx.CopySlots(_tx, first, _rx.Distance(first, _rx.HwTail));
        _rx.DestroyFake();
        _tx.Destroy();
    }

    /// <summary>Transmit sync: new slots cross over; only complete packets become visible. Never blocks, never drops.</summary>
    public void Send()
    {
        KRing tx = _tx;
        tx.Counters.Syncs++;
        // Load-acquire: the slots that came back are visible; pairs with the store-release in Receive.
        tx.HwTail = Volatile.Read(ref _shared.Returned);
        uint count = tx.Distance(tx.HwCur, tx.RHead);
        if (count == 0)
            return;
        SlotSum sum = Copy(tx, _rx, count);
        uint packets = count;
        uint complete = tx.RHead;
        if ((sum.Flags & (NetmapH.NS_MOREFRAG | NetmapH.NS_BUF_CHANGED)) != 0)
            complete = EndOfPackets(tx.HwCur, tx.RHead, out packets);
        tx.HwCur = tx.RHead;
        tx.Counters.Packets += packets;
        tx.Counters.Bytes += sum.Bytes;
        if (packets == 0)
            return;
        // Store-release: the slots and what they name are visible before the index; pairs with the load-acquire in Receive.
        Volatile.Write(ref _shared.Published, complete);
        _rx.Waiters.Wake();
    }

    /// <summary>Receive sync: takes what was published, gives back what was released.</summary>
    public void Receive()
    {
        KRing rx = _rx;
        rx.Counters.Syncs++;
        // Load-acquire; pairs with the store-release in Send.
        uint published = Volatile.Read(ref _shared.Published);
        if (published != rx.HwTail)
        {
            rx.Counters.Irqs++;
            rx.HwTail = published;
        }
        uint count = rx.Distance(rx.HwCur, rx.RHead);
        if (count == 0)
            return;
        uint first = rx.HwCur;
        SlotSum sum = Copy(rx, _tx, count);
        rx.Counters.Packets += (sum.Flags & NetmapH.NS_MOREFRAG) == 0 ? count : Ends(first, rx.RHead);
        rx.Counters.Bytes += sum.Bytes;
        if ((sum.Flags & NetmapH.NS_BUF_CHANGED) != 0)
            ClearChanged(rx, first, rx.RHead);
        rx.HwCur = rx.RHead;
        // Store-release; pairs with the load-acquire in Send.
        Volatile.Write(ref _shared.Returned, rx.Previous(rx.HwCur));
        _tx.Waiters.Wake();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static SlotSum Copy(KRing from, KRing to, uint count) => to.Offsets.Mask == 0
        ? from.CopySlots(to, from.HwCur, count)
        : from.CopySlotsKeepingOffsets(to, from.HwCur, count);

    /// <summary>
    /// Clears NS_BUF_CHANGED on the sender's side (the receiver sees it), and finds the end of the last complete packet.
    /// </summary>
    /// <returns>The slot after it, or what is published already when there is none.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint EndOfPackets(uint first, uint end, out uint packets)
    {
        uint complete = _shared.Published;
        packets = 0;
        for (uint i = first; i != end;)
        {
            ushort flags = _rx.FlagsOf(i);
            _tx.ClearFlags(i, NetmapH.NS_BUF_CHANGED);
            i = _tx.Next(i);
            if ((flags & NetmapH.NS_MOREFRAG) != 0)
                continue;
            complete = i;
            packets++;
        }
        return complete;
    }

    private uint Ends(uint first, uint end)
    {
        uint packets = 0;
        for (uint i = first; i != end; i = _rx.Next(i))
            packets += (_tx.FlagsOf(i) & NetmapH.NS_MOREFRAG) == 0 ? 1u : 0;
        return packets;
    }

    private static void ClearChanged(KRing ring, uint first, uint end)
    {
        for (uint i = first; i != end; i = ring.Next(i))
            ring.ClearFlags(i, NetmapH.NS_BUF_CHANGED);
    }

    private void Create(string port)
    {
        Reset();
        _tx.Create(port);
        try
        {
            _rx.Create(port, fake: true);
        }
        catch
        {
            _tx.Destroy();
            throw;
        }
        _tx.CopySlots(_rx, 0, _tx.SlotCount);
    }

    private void Reset()
    {
        _tx.Reset();
        _rx.Reset();
        (_shared.Published, _shared.Returned) = (_rx.HwTail, _tx.HwTail);
    }

    /// <summary>The two indices, each in a pair of cache lines of its own: the processor fetches lines in pairs.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        /// <summary>First slot the receiver may not see yet. Written by the sender.</summary>
        [FieldOffset(128)]
        public uint Published;

        /// <summary>First slot not available to the sender. Written by the receiver.</summary>
        [FieldOffset(256)]
        public uint Returned;
    }
}
