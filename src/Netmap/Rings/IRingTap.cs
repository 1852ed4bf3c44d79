namespace Netmap.Rings;

/// <summary>
/// Looks at a ring's packets as they pass: a monitor. Both calls come between the ring's entry and exit, around the
/// port's own sync, on the thread that syncs; neither blocks nor throws.
/// </summary>
internal interface IRingTap
{
    /// <summary>The prologue has passed; slots hwcur..rhead are about to be taken (TX) or given back (RX).</summary>
    void Before(KRing ring);

    /// <summary>The sync is done: completed slots up to hwtail (TX), received ones up to hwtail (RX).</summary>
    void After(KRing ring);
}
