namespace Netmap.Cli.LoadBalancer;

/// <summary>A slot's worth of a frame on its way.</summary>
/// <param name="Buffer">Where it is; any port of the memory may hold it.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Hash">Of its flow.</param>
/// <param name="Left">Slots of the frame from this one on; 1 is the last.</param>
internal readonly record struct Piece(uint Buffer, ushort Length, uint Hash, int Left);

/// <summary>
/// A pipe and the frames that wait for room in it. What its reader has given back is remembered until it was passed on to
/// the next group.
/// </summary>
internal sealed class OutputPipe(NetmapPort port, string name, int number, int overflow) : IDisposable
{
    private readonly TxRing _ring = port.TxRings[0];
    private readonly Piece[] _handed = new Piece[port.TxRings[0].SlotCount];
    private readonly Piece[] _waiting = new Piece[overflow];
    private int _firstWaiting;
    private int _oldest;
    private int _out;

    /// <summary>Of the pipe's parent.</summary>
    public string Name => name;

    public int Number => number;

    public NetmapPort Port => port;

    public long Packets { get; private set; }

    public long Bytes { get; private set; }

    public long Dropped { get; private set; }

    public long DroppedBytes { get; private set; }

    /// <summary>Pieces in the overflow queue.</summary>
    public int Waiting { get; private set; }

    /// <summary>Slots with the reader, or not passed on yet.</summary>
    public int Out => _out;

    /// <summary>Room in the ring for frames that come now.</summary>
    public bool HasRoom(int slots) => _ring.SlotCount - 1 - _out >= slots;

    /// <summary>Room in the queue, for a frame that the ring can take one day.</summary>
    public bool CanQueue(int slots) => overflow - Waiting >= slots && slots < _ring.SlotCount;

    /// <summary>Puts a piece into the next slot; there is room.</summary>
    /// <returns>The buffer the slot had.</returns>
    public uint Place(in Piece piece)
    {
        int at = _ring.Head;
        ref NetmapSlot slot = ref _ring[at];
        uint free = slot.BufferIndex;
        slot.BufferIndex = piece.Buffer;
        slot.Length = piece.Length;
        slot.Flags = SlotFlags.BufferChanged | (piece.Left > 1 ? SlotFlags.MoreFragments : SlotFlags.None);
        _handed[at] = piece;
        _out++;
        _ring.Advance(1);
        Bytes += piece.Length;
        if (piece.Left == 1)
            Packets++;
        return free;
    }

    public void Enqueue(in Piece piece) => _waiting[(_firstWaiting + Waiting++) % overflow] = piece;

    /// <summary>The first piece that waits; there is one.</summary>
    public Piece Peek() => _waiting[_firstWaiting];

    public Piece Dequeue()
    {
        Piece piece = _waiting[_firstWaiting];
        _firstWaiting = (_firstWaiting + 1) % overflow;
        Waiting--;
        return piece;
    }

    /// <summary>
    /// Takes back the oldest frame that the reader is done with, all its pieces, their buffers as the slots have them now.
    /// The slots stay ours until <see cref="Replace"/>.
    /// </summary>
    /// <returns>Pieces; 0 when there is none.</returns>
    public int Reclaim(Span<Piece> frame)
    {
        int back = _out - (_ring.SlotCount - 1 - _ring.Space);
        int count = back > 0 ? _handed[_oldest].Left : 0;
        if (count == 0 || count > back)
            return 0;
        int at = _oldest;
        for (int i = 0; i < count; i++, at = _ring.Next(at))
            frame[i] = _handed[at] with { Buffer = _ring[at].BufferIndex };
        return count;
    }

    /// <summary>The slots of the frame taken back get other buffers, and are free.</summary>
    public void Replace(ReadOnlySpan<Piece> frame)
    {
        foreach (Piece piece in frame)
        {
            (_ring[_oldest].BufferIndex, _ring[_oldest].Flags) = (piece.Buffer, SlotFlags.BufferChanged);
            _oldest = _ring.Next(_oldest);
        }
        _out -= frame.Length;
    }

    /// <summary>Counts a frame that found no place.</summary>
    public void Drop(ReadOnlySpan<Piece> frame)
    {
        Dropped++;
        foreach (Piece piece in frame)
            DroppedBytes += piece.Length;
    }

    public void Dispose() => port.Dispose();
}
