namespace Netmap;

/// <summary>What to wait for, and what was found (poll(2) bits).</summary>
[Flags]
public enum PollEvents
{
    /// <summary>Nothing: the time ran out.</summary>
    None = 0,

    /// <summary>POLLIN: a bound receive ring holds frames beyond its <see cref="NetmapRing.Cur"/>.</summary>
    Receive = 1,

    /// <summary>POLLOUT: a bound transmit ring has free slots beyond its <see cref="NetmapRing.Cur"/>.</summary>
    Transmit = 4,

    /// <summary>POLLERR: a ring was written badly and was reset, or the port is stopped or gone.</summary>
    Error = 8,
}
