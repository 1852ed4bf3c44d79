using System.Collections;

namespace Netmap;

/// <summary>The rings of a port in order; <c>foreach</c> over it allocates nothing.</summary>
/// <typeparam name="T"><see cref="TxRing"/> or <see cref="RxRing"/>.</typeparam>
public sealed class RingList<T> : IReadOnlyList<T>
    where T : NetmapRing
{
    private readonly T[] _rings;

    internal RingList(T[] rings) => _rings = rings;

    /// <summary>Rings bound.</summary>
    public int Count => _rings.Length;

    /// <summary>The ring at this place of the list; its number on the interface is <see cref="NetmapRing.Index"/>.</summary>
    public T this[int index] => _rings[index];

    /// <summary>Walks the rings.</summary>
    public Enumerator GetEnumerator() => new(_rings);

    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)_rings).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _rings.GetEnumerator();

    /// <summary>Walks the rings without allocating.</summary>
    public struct Enumerator
    {
        private readonly T[] _rings;
        private int _at;

        internal Enumerator(T[] rings) => (_rings, _at) = (rings, -1);

        /// <summary>The ring under the cursor.</summary>
        public readonly T Current => _rings[_at];

        /// <summary>Steps to the next ring; false after the last.</summary>
        public bool MoveNext() => ++_at < _rings.Length;
    }
}
