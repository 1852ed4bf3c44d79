namespace Netmap.Rings;

/// <summary>The value of a ring's <c>dir</c> field at run time (spec 1.3).</summary>
internal enum RingDirection : ushort
{
    Rx = 0,
    Tx = 1,
}

/// <summary>How entering a ring went (spec 2.5).</summary>
internal enum RingEntry
{
    Entered,

    /// <summary>Another thread is in a sync on it: skip it, no error.</summary>
    Busy,

    /// <summary>Stopped, or its interface is gone: an error.</summary>
    Stopped,
}

/// <summary>What a sync may do beyond moving packets.</summary>
[Flags]
internal enum SyncFlags
{
    None = 0,

    /// <summary>NAF_FORCE_RECLAIM: TXSYNC wants completions soon.</summary>
    ForceReclaim = 1,

    /// <summary>NAF_FORCE_READ: RXSYNC imports whether or not an event is pending.</summary>
    ForceRead = 2,

    /// <summary>NAF_CAN_FORWARD_DOWN: the file has all transmit rings of the interface, so marked frames of the host may go there.</summary>
    ForwardDown = 4,
}
