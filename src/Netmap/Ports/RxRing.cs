using Netmap.Interop;
using Netmap.Rings;

namespace Netmap;

/// <summary>
/// A receive ring. <c>foreach (var frame in ring)</c> walks the received frames and gives their slots back to the port
/// when the loop ends, also by <c>break</c>.
/// </summary>
public sealed unsafe class RxRing : NetmapRing
{
    internal RxRing(netmap_ring* ring, byte* buffers, uint bufferCount, int bufferSize, int slots, int index)
        : base(ring, buffers, bufferCount, bufferSize, slots, index)
    {
    }

    /// <summary>Filled slots, 0..SlotCount-1. Frames longer than a buffer take several.</summary>
    public int Available => Owned;

    /// <summary>Gives the next <paramref name="slots"/> received slots back to the port: moves head and cur.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="Available"/>.</exception>
    public void Advance(int slots) => Release(slots);

    /// <summary>
    /// The first complete frame, which stays until <see cref="Advance"/> over its slots: for programs that may not be able
    /// to place it yet.
    /// </summary>
    /// <returns>False when there is none.</returns>
    public bool TryPeek(out RxFrame frame) => TryRead(Head, Owned, out frame);

    /// <summary>Walks the frames from head to tail; disposing it releases the frames walked.</summary>
    public FrameEnumerator GetEnumerator() => new(this);

    /// <summary>The frame that begins at a slot; false when its end is not among the slots owned from there on.</summary>
    private bool TryRead(int first, int owned, out RxFrame frame)
    {
        int slots = 0;
        int length = 0;
        for (int i = first; slots < owned; i = Next(i))
        {
            ref NetmapSlot slot = ref this[i];
            slots++;
            length += Math.Min(slot.Length, Data(i).Length);
            if ((slot.Flags & SlotFlags.MoreFragments) != 0)
                continue;
            frame = new RxFrame(this, first, slots, length);
            return true;
        }
        frame = default;
        return false;
    }

    /// <summary>Walks received frames. Frames are valid until the enumerator is disposed.</summary>
    public ref struct FrameEnumerator
    {
        private readonly RxRing _ring;
        private readonly int _owned;
        private int _taken;
        private int _next;
        private RxFrame _current;

        internal FrameEnumerator(RxRing ring)
        {
            _ring = ring;
            _owned = ring.Owned;
            _next = ring.Head;
        }

        /// <summary>The frame under the cursor.</summary>
        public readonly RxFrame Current => _current;

        /// <summary>
        /// Steps to the next complete frame; false at the tail. A chain of fragments whose end has not arrived yet stays.
        /// </summary>
        public bool MoveNext()
        {
            if (!_ring.TryRead(_next, _owned - _taken, out RxFrame frame))
                return false;
            _taken += frame.SlotCount;
            _next = (int)RingIndex.Advance((uint)_next, (uint)frame.SlotCount, _ring.Limit);
            _current = frame;
            return true;
        }

        /// <summary>Gives the walked slots back to the port.</summary>
        public readonly void Dispose()
        {
            if (_taken > 0)
                _ring.Release(_taken);
        }
    }
}
