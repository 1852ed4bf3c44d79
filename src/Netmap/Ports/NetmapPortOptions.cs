namespace Netmap;

/// <summary>How to open a port, beyond what its name says (spec 3.4). A value of 0 or null leaves the default.</summary>
public sealed record NetmapPortOptions
{
    /// <summary>
    /// A netmap server that hosts the port: the path of its socket, or <c>@name</c> for an abstract one. Null: this process
    /// does. With a server, ports of several programs are joined: one switch, the two ends of a pipe.
    /// </summary>
    public string? Host { get; init; }

    /// <summary>
    /// On a server for several users: who else may open the port, in its owner's memory, <c>alice+%capture</c> or <c>*</c>; as
    /// <c>@conf:users=</c> in a name. Null for the owner alone.
    /// </summary>
    public string? SharedWith { get; init; }

    /// <summary>
    /// On a server for several users: the user whose port this is, who shares it. Its rings and buffers are that user's memory, which
    /// the opener agrees to with this; as <c>@conf:owner=</c> in a name. Null for a port of one's own.
    /// </summary>
    public string? OwnedBy { get; init; }

    /// <summary>Nobody else may bind the same rings (NR_EXCLUSIVE); as <c>/x</c> in a name.</summary>
    public bool Exclusive { get; init; }

    /// <summary>
    /// Bind transmit rings only (NR_TX_RINGS_ONLY); as <c>/T</c>. Together with <see cref="ReceiveOnly"/>, as in netmap, no ring at
    /// all: the port's memory, extra buffers, and nothing taken from the host.
    /// </summary>
    public bool TransmitOnly { get; init; }

    /// <summary>Bind receive rings only (NR_RX_RINGS_ONLY); as <c>/R</c>.</summary>
    public bool ReceiveOnly { get; init; }

    /// <summary>Poll for receive does not flush transmit rings (NR_NO_TX_POLL).</summary>
    public bool NoTransmitOnPoll { get; init; }

    /// <summary>Buffers beyond those of the rings, for zero-copy work; fewer may be granted, see <see cref="NetmapPort.ExtraBufferCount"/>.</summary>
    public int ExtraBuffers { get; init; }

    /// <summary>Memory allocator to use, 0 for the default; as <c>@N</c>.</summary>
    public int MemoryId { get; init; }

    /// <summary>
    /// Transmit rings of a port that is made by opening it: a pipe (1..256), a port of a switch (1..16), a null port. An
    /// interface has its own number. As <c>@conf:tx-rings=N</c>.
    /// </summary>
    public int TxRings { get; init; }

    /// <summary>Receive rings, as <see cref="TxRings"/>; as <c>@conf:rx-rings=N</c>.</summary>
    public int RxRings { get; init; }

    /// <summary>Slots of each transmit ring of a port that is made, monitors included; at most 4096. As <c>@conf:tx-slots=N</c>.</summary>
    public int TxSlots { get; init; }

    /// <summary>Slots of each receive ring, as <see cref="TxSlots"/>; as <c>@conf:rx-slots=N</c>.</summary>
    public int RxSlots { get; init; }

    /// <summary>Host transmit rings of an interface that nobody has open yet; as <c>@conf:host-tx-rings=N</c>.</summary>
    public int HostTxRings { get; init; }

    /// <summary>Host receive rings, as <see cref="HostTxRings"/>; as <c>@conf:host-rx-rings=N</c>.</summary>
    public int HostRxRings { get; init; }

    /// <summary>Open a monitor that sees what the port, open already, sends (NR_MONITOR_TX); as <c>/t</c>.</summary>
    public bool MonitorTransmit { get; init; }

    /// <summary>Open a monitor that sees what the port, open already, receives (NR_MONITOR_RX); as <c>/r</c>.</summary>
    public bool MonitorReceive { get; init; }

    /// <summary>
    /// Open a monitor of both directions that exchanges buffers with the port instead of copying (NR_ZCOPY_MON): it sees
    /// what others are done with. As <c>/z</c>.
    /// </summary>
    public bool MonitorZeroCopy { get; init; }

    /// <summary>
    /// The program knows that frames may begin with a virtio-net header (NR_ACCEPT_VNET_HDR); without it such a port is
    /// refused with EIO.
    /// </summary>
    public bool AcceptVnetHeader { get; init; }

    /// <summary>Frames begin anywhere in their buffers, and each slot says where (NETMAP_REQ_OPT_OFFSETS).</summary>
    public OffsetOptions? Offsets { get; init; }

    /// <summary>
    /// Rings and buffers in memory of the program's own (NETMAP_REQ_OPT_EXTMEM); as <c>@extmem=PATH</c>. A port that is open already
    /// in other memory is refused with EBUSY.
    /// </summary>
    public ExternalMemory? ExternalMemory { get; init; }

    /// <summary>
    /// The name may say <c>@offset=N</c>: the program finds frames with <see cref="NetmapRing.Data"/>, not at the start of
    /// their buffers. Without it such a name is refused with EOPNOTSUPP.
    /// </summary>
    public bool AcceptOffsets { get; init; }

    /// <summary>
    /// Open a port no packet passes (NR_REG_NULL), for the memory <see cref="MemoryId"/> and extra buffers in it. It has as
    /// many rings as asked for, by default none.
    /// </summary>
    public bool NullPort { get; init; }

    /// <summary>
    /// Network interfaces: take only frames that match this expression of pcap-filter(7), such as <c>udp port 4789</c>; all
    /// others stay with the host, chosen in the kernel. Whoever receives on the port has the same filter, and the port has no host rings.
    /// Needs libpcap, on the side of the program.
    /// </summary>
    public string? Filter { get; init; }
}

/// <summary>Where frames begin in their buffers (spec 10, OFFSETS).</summary>
public sealed record OffsetOptions
{
    /// <summary>Offset of every slot at first, in bytes, if nobody else has the ring; at most <see cref="Max"/>.</summary>
    public int Initial { get; init; }

    /// <summary>Largest offset, in bytes; slots beyond it are capped. At most the buffer size.</summary>
    public int Max { get; init; }

    /// <summary>Low bits of <see cref="NetmapSlot.Pointer"/> that hold the offset, 1..64; 0 for all of them.</summary>
    public int Bits { get; init; }
}
