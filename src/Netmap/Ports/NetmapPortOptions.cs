namespace Netmap;

/// <summary>How to open a port, beyond what its name says (spec 3.4). A value of 0 or null leaves the default.</summary>
public sealed record NetmapPortOptions
{
    /// <summary>Nobody else may bind the same rings (NR_EXCLUSIVE); as <c>/x</c> in a name.</summary>
    public bool Exclusive { get; init; }

    /// <summary>Bind transmit rings only (NR_TX_RINGS_ONLY); as <c>/T</c>.</summary>
    public bool TransmitOnly { get; init; }

    /// <summary>Bind receive rings only (NR_RX_RINGS_ONLY); as <c>/R</c>.</summary>
    public bool ReceiveOnly { get; init; }

    /// <summary>Poll for receive does not flush transmit rings (NR_NO_TX_POLL).</summary>
    public bool NoTransmitOnPoll { get; init; }

    /// <summary>Buffers beyond those of the rings, for zero-copy work; fewer may be granted, see <see cref="NetmapPort.ExtraBufferCount"/>.</summary>
    public int ExtraBuffers { get; init; }

    /// <summary>Memory allocator to use, 0 for the default; as <c>@N</c>.</summary>
    public int MemoryId { get; init; }
}
