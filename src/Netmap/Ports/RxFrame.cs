namespace Netmap;

/// <summary>A received frame in its slots; no copy. Valid until its slots are given back to the port.</summary>
public readonly ref struct RxFrame
{
    private readonly RxRing _ring;
    private readonly int _first;

    internal RxFrame(RxRing ring, int first, int slots, int length)
    {
        _ring = ring;
        _first = first;
        SlotCount = slots;
        Length = length;
    }

    /// <summary>Bytes of the whole frame, without FCS.</summary>
    public int Length { get; }

    /// <summary>Slots it occupies: more than 1 when it is longer than a buffer.</summary>
    public int SlotCount { get; }

    internal RxRing Ring => _ring;

    /// <summary>Index of its first slot.</summary>
    public int FirstSlot => _first;

    /// <summary>
    /// The bytes in its first slot: the whole frame when <see cref="SlotCount"/> is 1. Writable: an echo may turn it
    /// around in place and send the buffer on.
    /// </summary>
    public Span<byte> Data => Fragment(0);

    /// <summary>The bytes in slot <paramref name="index"/> of the frame, 0..SlotCount-1.</summary>
    public Span<byte> Fragment(int index)
    {
        if ((uint)index >= (uint)SlotCount)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"the frame has {SlotCount} slots");
        int slot = _first;
        for (int i = 0; i < index; i++)
            slot = _ring.Next(slot);
        Span<byte> room = _ring.Data(slot);
        return room[..Math.Min(_ring[slot].Length, room.Length)];
    }

    /// <summary>Copies the whole frame together.</summary>
    /// <returns>Bytes copied: <see cref="Length"/>.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than <see cref="Length"/>.</exception>
    public int CopyTo(Span<byte> destination)
    {
        int copied = 0;
        for (int i = 0; i < SlotCount; i++)
        {
            Span<byte> part = Fragment(i);
            part.CopyTo(destination[copied..]);
            copied += part.Length;
        }
        return copied;
    }
}
