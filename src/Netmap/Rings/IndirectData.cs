using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Rings;

/// <summary>A slot that points to memory of its program's, as it was when it was read.</summary>
internal readonly record struct IndirectSlot(uint Slot, int Length, ulong Address);

/// <summary>What came of looking for a slot's data.</summary>
internal enum IndirectRead
{
    /// <summary>It is there.</summary>
    Done,

    /// <summary>No such memory, or none that this slot may point to: the slot is bad.</summary>
    Bad,

    /// <summary>It has to be fetched, outside of the ring; the sync ends before the slot's packet.</summary>
    NotYet,
}

/// <summary>
/// Where a sync finds frames that lie in the sending program's own memory (NS_INDIRECT). The one that syncs passes its own with
/// each sync, so that a ring says nothing about the memory its slots point to. Addresses may be anything: the kernel copies, and a bad one
/// is an error instead of a fault.
/// </summary>
internal abstract unsafe class IndirectData
{
    /// <summary>For syncs on a thread of the process whose memory it is: read where the slot is read.</summary>
    public static IndirectData Own { get; } = new OwnData();

    /// <summary>For a thread that belongs to the program that syncs, and waits for its memory as long as that takes.</summary>
    public static IndirectData For(ProcessMemory program) => program.IsOwn ? Own : new StagedData(program) { MayWait = true };

    /// <summary>Inside the ring: the data of a slot, whose flags, length and address were read before.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="slot">What the slot said.</param>
    /// <param name="place">Room for the data; it may also be elsewhere.</param>
    /// <param name="data">Where it is, until the sync ends.</param>
    public abstract IndirectRead Read(KRing ring, in IndirectSlot slot, byte* place, out byte* data);

    /// <summary>
    /// Outside of the ring, after a sync: fetches what that sync could not send for lack of it. True when there is reason to sync again.
    /// </summary>
    /// <param name="ring">The ring.</param>
    /// <param name="from">Where the ring was at the last call, <c>uint.MaxValue</c> at first: without progress there is no second.</param>
    public virtual bool TryFetch(KRing ring, ref uint from) => false;

    private sealed class OwnData : IndirectData
    {
        public override IndirectRead Read(KRing ring, in IndirectSlot slot, byte* place, out byte* data)
        {
            data = place;
            return ProcessMemory.Own.MayFollow(ring.Memory)
                && ProcessMemory.Own.Read(slot.Address, new Span<byte>(place, slot.Length)) == Errno.Success
                ? IndirectRead.Done : IndirectRead.Bad;
        }
    }
}
