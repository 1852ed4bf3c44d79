namespace Netmap.Devices;

/// <summary>What a device says about itself, asked from the system at the moment of the call.</summary>
internal sealed record DeviceInfo
{
    /// <summary>The interface's present name.</summary>
    public required string Name { get; init; }

    /// <summary>Kernel interface index, 0 for devices that are not kernel interfaces.</summary>
    public int InterfaceIndex { get; init; }

    /// <summary>Mechanism: <c>packet</c>, <c>tap</c>, <c>memory</c>.</summary>
    public required string Mechanism { get; init; }

    /// <summary>
    /// How this mechanism runs here, in words a user understands, for example <c>frames taken from the host (tcx)</c> or
    /// <c>tap beside the host: bpf refused, EPERM</c>.
    /// </summary>
    public required string Mode { get; init; }

    /// <summary>How the faster ways of a native device stand; null where there are none.</summary>
    public string? Gear { get; init; }

    /// <summary>What stands behind each ring that is open.</summary>
    public IReadOnlyList<PortQueue> Queues { get; init; } = [];

    /// <summary>Programs of the device in the kernel.</summary>
    public IReadOnlyList<PortProgram> Programs { get; init; } = [];

    /// <summary>True when received frames no longer reach the host stack.</summary>
    public bool TakesFromHost { get; init; }

    /// <summary>Kernel driver, for example <c>veth</c>; empty where the system does not say.</summary>
    public string Driver { get; init; } = "";

    /// <summary>Bytes of payload, without the 14-byte Ethernet header.</summary>
    public required int Mtu { get; init; }

    /// <summary>Six bytes.</summary>
    public required byte[] MacAddress { get; init; }

    /// <summary>Queues, at least 1 each.</summary>
    public required int TxQueues { get; init; }
    public required int RxQueues { get; init; }

    /// <summary>Driver ring sizes in descriptors; 0 when the driver does not tell (ETHTOOL_GRINGPARAM).</summary>
    public int TxSlots { get; init; }
    public int RxSlots { get; init; }

    public required LinkState Link { get; init; }
}
