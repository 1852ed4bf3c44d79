namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// A frame in memory shared with an eBPF program: four bytes of length, the frame, padding to a cache line; or, for a long
/// frame, its length with <see cref="Direct"/> set and where it lies in netmap's own buffers (<see cref="GearPool"/>). Packed, so that
/// a small frame costs one cache line on each side: frames 2048 bytes apart would all fall into the same few sets of the
/// cache.
/// </summary>
internal static class GearRecord
{
    /// <summary>Bytes before the frame.</summary>
    public const int Header = sizeof(uint);

    /// <summary>In the length: the record names a place instead of holding the frame.</summary>
    public const uint Direct = 1u << 31;

    /// <summary>Bytes of a record that names a place.</summary>
    public const int DirectBytes = Alignment;

    /// <summary>Records begin at multiples of this.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes a frame of this length takes.</summary>
    public static int BytesOf(int length) => (length + Header + Alignment - 1) & ~(Alignment - 1);
}
