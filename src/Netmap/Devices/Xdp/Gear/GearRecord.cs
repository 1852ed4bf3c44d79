namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// A frame in memory shared with an eBPF program: four bytes of length, the frame, padding to a cache line; or its length and four
/// bytes that say where it lies in netmap's own buffers (<see cref="GearPool"/>). Packed, so that
/// a small frame costs one cache line on each side: frames 2048 bytes apart would all fall into the same few sets of the
/// cache.
/// </summary>
internal static class GearRecord
{
    /// <summary>Bytes before the frame.</summary>
    public const int Header = sizeof(uint);

    /// <summary>In the length: the record names a place instead of holding the frame.</summary>
    public const int Place = 1 << 30;

    /// <summary>In the length: a checksum may be partial.</summary>
    public const int Suspect = 1 << 29;

    /// <summary>Bits of the first word that are the length.</summary>
    public const int Length = Suspect - 1;

    /// <summary>Instead of a length: the next record begins with the next line.</summary>
    public const int Skip = 0;

    /// <summary>Bytes of a record that names a place.</summary>
    public const int PlaceBytes = 8;

    /// <summary>Records begin at multiples of this.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes a frame of this length takes.</summary>
    public static int BytesOf(int length) => (length + Header + Alignment - 1) & ~(Alignment - 1);
}
