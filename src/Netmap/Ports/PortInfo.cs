namespace Netmap;

/// <summary>What a port is and how it runs, at the moment of asking.</summary>
public sealed record PortInfo
{
    /// <summary>The port's name as opened, without prefix.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// <c>native</c>: the kernel reads and writes netmap buffers; <c>generic</c>: packets are copied between them and the
    /// device; else a software port's kind: <c>pipe</c>, <c>vale</c> …
    /// </summary>
    public required string Adapter { get; init; }

    /// <summary>Mechanism under the adapter: <c>xdp</c>, <c>packet</c>, <c>tap</c>, <c>memory</c>.</summary>
    public required string Device { get; init; }

    /// <summary>How the device runs here, fallbacks with their reason.</summary>
    public required string Mode { get; init; }

    /// <summary>Why the port is not native though the best mode was asked for; null when it is, or could never be.</summary>
    public string? WhyNotNative { get; init; }

    /// <summary>
    /// Interfaces that nobody has open: why opening one for receiving would be refused, whatever else may be in the way; null when
    /// its MTU allows it.
    /// </summary>
    public string? WhyNotOpen { get; init; }

    /// <summary>What the port takes from the host, as asked for; null for everything, or while nobody has it open.</summary>
    public string? Filter { get; init; }

    /// <summary>Native ports: how the fast gear stands, or why there is none.</summary>
    public string? Gear { get; init; }

    /// <summary>Interfaces that are open: what stands behind each ring.</summary>
    public IReadOnlyList<PortQueue> Queues { get; init; } = [];

    /// <summary>Interfaces that are open: the eBPF programs of the port.</summary>
    public IReadOnlyList<PortProgram> Programs { get; init; } = [];

    /// <summary>True when received frames no longer reach the host's stack.</summary>
    public required bool TakesFromHost { get; init; }

    /// <summary>Kernel driver, or empty.</summary>
    public required string Driver { get; init; }

    /// <summary>The interface's present name: it may have been renamed since the port was opened.</summary>
    public required string InterfaceName { get; init; }

    /// <summary>Interface index, or 0.</summary>
    public required int InterfaceIndex { get; init; }

    /// <summary>Payload bytes without the 14-byte Ethernet header.</summary>
    public required int Mtu { get; init; }

    /// <summary>Hardware address in the usual notation, <c>02:00:00:00:00:01</c>.</summary>
    public required string MacAddress { get; init; }

    /// <summary><c>up</c>, <c>down</c> or <c>gone</c>.</summary>
    public required string Link { get; init; }

    /// <summary>Rings of the interface in each direction; the host rings are not counted.</summary>
    public required int TxRings { get; init; }

    /// <inheritdoc cref="TxRings"/>
    public required int RxRings { get; init; }

    /// <summary>Rings to and from the host's stack (<c>^</c> and <c>*</c>); 0 for ports that have no host behind them.</summary>
    public required int HostTxRings { get; init; }

    /// <inheritdoc cref="HostTxRings"/>
    public required int HostRxRings { get; init; }

    /// <summary>
    /// True when what the host sends through the interface goes to its receive rings, or nowhere if nobody has them open,
    /// instead of to the wire: transmit rings of the interface are open.
    /// </summary>
    public required bool InterceptsHost { get; init; }

    /// <summary>Slots in each ring.</summary>
    public required int TxSlots { get; init; }

    /// <inheritdoc cref="TxSlots"/>
    public required int RxSlots { get; init; }

    /// <summary>The user whose port and memory it is: who opened it first, or made it.</summary>
    public required string Owner { get; init; }

    /// <summary>Who else may open it, as its owner said: <c>alice+%capture</c>; empty for the owner alone.</summary>
    public string SharedWith { get; init; } = "";

    /// <summary>Memory allocator of the port; ports with equal ids can exchange buffers.</summary>
    public required int MemoryId { get; init; }

    /// <summary>Bytes of that memory.</summary>
    public required long MemorySize { get; init; }

    /// <summary>Bytes in each buffer.</summary>
    public required int BufferSize { get; init; }
}
