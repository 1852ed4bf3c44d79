using System.Runtime.InteropServices;

namespace Netmap;

/// <summary>
/// One entry of a ring, in shared memory: <c>struct netmap_slot</c> of <c>net/netmap.h</c>, 16 bytes. Change
/// <see cref="BufferIndex"/> only together with <see cref="SlotFlags.BufferChanged"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public struct NetmapSlot
{
    /// <summary>Index of the buffer in the port's memory; 0 and 1 are reserved.</summary>
    public uint BufferIndex;

    /// <summary>Bytes of the frame in this buffer, without FCS.</summary>
    public ushort Length;

    /// <summary>What to do with the slot, or what it holds.</summary>
    public SlotFlags Flags;

    /// <summary>Address for <see cref="SlotFlags.Indirect"/>, or data offset.</summary>
    public ulong Pointer;
}

/// <summary>Flags of a slot (<c>NS_*</c> of <c>net/netmap.h</c>). The high byte counts fragments on VALE receive rings.</summary>
[Flags]
public enum SlotFlags : ushort
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>NS_BUF_CHANGED: the program put another buffer into the slot.</summary>
    BufferChanged = 0x01,

    /// <summary>NS_REPORT: report completion of this slot soon.</summary>
    Report = 0x02,

    /// <summary>NS_FORWARD: pass the frame on to the host rings.</summary>
    Forward = 0x04,

    /// <summary>NS_NO_LEARN: a VALE switch shall not learn the source address.</summary>
    NoLearn = 0x08,

    /// <summary>NS_INDIRECT: the data is at <see cref="NetmapSlot.Pointer"/>.</summary>
    Indirect = 0x10,

    /// <summary>NS_MOREFRAG: the frame goes on in the next slot.</summary>
    MoreFragments = 0x20,

    /// <summary>NS_TXMON: a copy of a transmitted frame, on a monitor.</summary>
    TransmitMonitor = 0x40,
}
