namespace Netmap;

/// <summary>Why a frame was lost. Each ring counts each reason in 64 bits.</summary>
public enum DropReason
{
    /// <summary>The adapter's receive queue held more than <c>num_rx_desc</c> frames (spec 5.4).</summary>
    ReceiveQueueFull,

    /// <summary>The kernel found no room in the packet socket's ring: the program reads too slowly (<c>tp_drops</c>).</summary>
    KernelRingFull,

    /// <summary>The frame needs more slots than the ring can ever have free.</summary>
    FrameTooLong,

    /// <summary>The kernel's receive ring cut the frame short (<c>TP_STATUS_COPY</c> without room).</summary>
    Truncated,

    /// <summary>The device refused the frame as longer than its MTU (EMSGSIZE).</summary>
    ExceedsMtu,

    /// <summary>The frame is shorter than an Ethernet header, or has length 0.</summary>
    TooShort,

    /// <summary>The device refused the frame's contents (EINVAL).</summary>
    Rejected,

    /// <summary>The interface had no carrier: the other end is down or unplugged.</summary>
    LinkDown,

    /// <summary>The interface was gone (ENXIO, ENODEV).</summary>
    DeviceGone,

    /// <summary>A slot named a buffer outside the pool.</summary>
    BadSlot,

    /// <summary>No memory for an mbuf.</summary>
    NoBuffers,

    /// <summary>Nobody has the receiving end open.</summary>
    NobodyReceives,

    /// <summary>Frames still queued when the port closed.</summary>
    PortClosed,

    /// <summary>The receive ring of a switch's port had no room: its reader is too slow.</summary>
    DestinationFull,

    /// <summary>The switch sends nothing back to where it came from, or the port named in the slot is not there.</summary>
    NoDestination,

    /// <summary>A packet of more than 64 fragments (<c>NETMAP_MAX_FRAGS</c>).</summary>
    TooManyFragments,

    /// <summary>The host sent faster than its receive ring was read (spec 6).</summary>
    HostRingFull,

    /// <summary>A frame that the host left to the hardware to segment or to sum up, in a way not known here.</summary>
    UnknownOffload,

    /// <summary>
    /// The virtio-net header before the frame asks for what cannot be: unknown flags or segmentation, or a checksum outside
    /// the frame.
    /// </summary>
    BadVnetHeader,

    /// <summary>A super-frame that cannot be segmented: not TCP or UDP over IP, cut short, or headers longer than a frame may be.</summary>
    NotSegmentable,

    /// <summary>The kernel had no buffer of ours to receive into: the program gives slots back too slowly (<c>rx_fill_ring_empty_descs</c>).</summary>
    NoFillDescriptor,

    /// <summary>The interface took the frame and lost it: its other end had no room, or takes no such frames (fast gear).</summary>
    InterfaceFull,

    /// <summary>The kernel did not take a descriptor (<c>rx_invalid_descs</c>, <c>tx_invalid_descs</c>).</summary>
    InvalidDescriptor,
}
