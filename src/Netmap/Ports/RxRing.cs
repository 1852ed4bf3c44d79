using Netmap.Interop;

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

    /// <summary>Walks the frames from head to tail; disposing it releases the frames walked.</summary>
    public FrameEnumerator GetEnumerator() => new(this);

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
            int first = _next;
            int slots = 0;
            int length = 0;
            bool more = true;
            while (more && _taken + slots < _owned)
            {
                ref NetmapSlot slot = ref _ring[_next];
                length += Math.Min(slot.Length, _ring.Data(_next).Length);
                more = (slot.Flags & SlotFlags.MoreFragments) != 0;
                _next = _ring.Next(_next);
                slots++;
            }
            if (more)
                return false;
            _taken += slots;
            _current = new RxFrame(_ring, first, slots, length);
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
