namespace Netmap.Devices.Xdp;

/// <summary>
/// How netmap's buffers lie in the memory of XDP sockets: buffer k begins <see cref="Lead"/> + k · <see cref="BufferSize"/>
/// bytes in. The kernel puts a frame <see cref="UmemArea.Headroom"/> bytes into its chunk, and netmap programs read at the
/// start of a buffer, so buffer k's chunk begins that much before it; the headroom is the tail of the buffer before.
/// </summary>
/// <param name="Buffers">First byte of buffer 0.</param>
/// <param name="PoolBytes">Of all buffers.</param>
/// <param name="BufferSize">Of one.</param>
internal readonly record struct UmemLayout(nint Buffers, long PoolBytes, int BufferSize)
{
    private const int PageSize = 4096;

    /// <summary>Bytes from the memory's start, which is a page's, to buffer 0.</summary>
    public int Lead => (int)(Buffers & (PageSize - 1));

    /// <summary>Buffers the kernel can put frames in: neither too small nor too large, and in a place known here.</summary>
    public bool IsUsable => BufferSize + UmemArea.Headroom >= UmemArea.SmallestChunk && BufferSize <= UmemArea.LargestChunk
        && Lead is 0 or UmemArea.Headroom;

    /// <summary>
    /// For copy mode. Chunks end with their buffer and may cross pages: the kernel sees the memory in one piece.
    /// </summary>
    public UmemArea Copying => new(Buffers - Lead, (nuint)(Lead + PoolBytes),
        Math.Min(BufferSize + UmemArea.Headroom, UmemArea.LargestChunk), Unaligned: true);

    /// <summary>
    /// For zero-copy, where no chunk may cross a page: chunks are as long as buffers and end with the next one's headroom.
    /// Null where they would cross pages or are no power of two.
    /// </summary>
    public UmemArea? Direct => Lead == UmemArea.Headroom && BufferSize is UmemArea.SmallestChunk or UmemArea.LargestChunk
        ? new(Buffers - Lead, (nuint)PoolBytes, BufferSize, Unaligned: false)
        : null;

    /// <summary>What the fill ring gets for a buffer.</summary>
    public ulong Chunk(uint buffer) => ((ulong)buffer * (uint)BufferSize) + (uint)Lead - UmemArea.Headroom;

    /// <summary>Where a buffer begins.</summary>
    public ulong Start(uint buffer) => ((ulong)buffer * (uint)BufferSize) + (uint)Lead;

    /// <summary>
    /// The buffer of a frame that begins here. A program may have put up to <see cref="Lead"/> bytes before it.
    /// </summary>
    public uint BufferAt(ulong address) => (uint)(address / (uint)BufferSize);
}
