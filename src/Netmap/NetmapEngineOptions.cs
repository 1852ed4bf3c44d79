namespace Netmap;

/// <summary>The reference's module parameters (spec 1.5), for one engine. Out of range values throw on first use.</summary>
public sealed record NetmapEngineOptions
{
    /// <summary>Bytes of a buffer in the global memory, 64..65536, rounded up to 64 (buf_size).</summary>
    public int BufferSize { get; init; } = 2048;

    /// <summary>Buffers in the global memory, 4..1000000 (buf_num).</summary>
    public int BufferCount { get; init; } = 163840;

    /// <summary>Bytes of a ring object, 256..131072: 256 + 16 for each slot (ring_size).</summary>
    public int RingSize { get; init; } = 36864;

    /// <summary>Ring objects, 2..1024 (ring_num).</summary>
    public int RingCount { get; init; } = 200;

    /// <summary>Bytes of an interface object, 56..4096 (if_size).</summary>
    public int InterfaceSize { get; init; } = 1024;

    /// <summary>Interface objects, 10..10000 (if_num).</summary>
    public int InterfaceCount { get; init; } = 100;

    /// <summary>Native or generic adapters (admode).</summary>
    public AdapterMode AdapterMode { get; init; }

    /// <summary>
    /// Native adapter: a receive call that finds nothing works the driver's queue itself (SO_PREFER_BUSY_POLL, with this time
    /// for SO_BUSY_POLL); zero for not at all. For XDP sockets, not for the fast gear's ring; without effect where the kernel
    /// does not know the queue, which the port's mode says.
    /// </summary>
    public TimeSpan NativeBusyPoll { get; init; }

    /// <summary>
    /// Native adapter: the faster paths of drivers without zero-copy; chosen by itself unless told otherwise. With a driver
    /// that has zero-copy a port opens plain, whatever is set here.
    /// </summary>
    public NativeGear NativeGear { get; init; }

    /// <summary>Slots per ring where the driver does not tell (generic_ringsize).</summary>
    public int GenericRingSize { get; init; } = 1024;

    /// <summary>Receive mitigation of the generic adapter; below 32768 ns it is off (generic_mit).</summary>
    public TimeSpan GenericMitigation { get; init; } = TimeSpan.FromMicroseconds(100);

    /// <summary>Stamp <c>ts</c> only on rings with NR_TIMESTAMP (no_timestamp).</summary>
    public bool NoTimestamp { get; init; }

    /// <summary>Source of time for mitigation and timestamps.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// Frames a program releases go on by themselves, received ones to the host, the host's to the wire, as if each were
    /// marked NS_FORWARD (fwd).
    /// </summary>
    public bool Forward { get; init; }

    /// <summary>False: rxsync from poll imports only after an event (no_pendintr).</summary>
    public bool NoPendingInterrupt { get; init; } = true;

    /// <summary>Slots a switch forwards at a time, 1..1024 (bridge_batch).</summary>
    public int SwitchBatch { get; init; } = 1024;

    /// <summary>How often a sender tries again when an interface on a switch has no room, after asking it to transmit (txsync_retry).</summary>
    public int SwitchRetries { get; init; } = 2;

    /// <summary>VALE switches at most, 1..65535 (max_bridges; 8 in the reference).</summary>
    public int SwitchCount { get; init; } = 256;

    /// <summary>Ports on each switch at most, 1..65535 (254 in the reference).</summary>
    public int SwitchPortCount { get; init; } = 1024;

    /// <summary>Addresses each switch remembers; rounded up to a power of two.</summary>
    public int SwitchTableSize { get; init; } = 8192;

    /// <summary>How long a switch remembers an address it has not seen again.</summary>
    public TimeSpan SwitchAging { get; init; } = TimeSpan.FromSeconds(300);
}
