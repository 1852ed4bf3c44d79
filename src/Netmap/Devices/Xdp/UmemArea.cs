using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>Memory that an XDP socket's frames lie in (XDP_UMEM_REG).</summary>
/// <param name="Address">First byte, at a page's start.</param>
/// <param name="Bytes">Length.</param>
/// <param name="ChunkSize">Bytes of a frame's chunk, 2048 up to a page; a power of two unless <paramref name="Unaligned"/>.</param>
/// <param name="Unaligned">Chunks may start anywhere.</param>
internal readonly unsafe record struct UmemArea(nint Address, nuint Bytes, int ChunkSize, bool Unaligned)
{
    /// <summary>Bytes the kernel leaves before a received frame (XDP_PACKET_HEADROOM).</summary>
    public const int Headroom = 256;

    /// <summary>Smallest and largest chunk the kernel takes.</summary>
    public const int SmallestChunk = 2048;
    public const int LargestChunk = 4096;

    /// <summary>Bytes of a received frame that one chunk holds; of one that is sent, too, where chunks are aligned.</summary>
    public int FrameRoom => ChunkSize - Headroom;

    public xdp_umem_reg Registration => new()
    {
        addr = (ulong)Address,
        len = Bytes,
        chunk_size = (uint)ChunkSize,
        flags = Unaligned ? LinuxIfXdp.XDP_UMEM_UNALIGNED_CHUNK_FLAG : 0,
    };
}
