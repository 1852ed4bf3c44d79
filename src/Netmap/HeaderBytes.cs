using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Netmap;

/// <summary>
/// Room for the headers of one frame on the stack of one thread. Headers that are made are read back, so they are made here
/// and then copied: in a buffer, a program may write meanwhile.
/// </summary>
[InlineArray(Size)]
internal struct HeaderBytes
{
    public const int Size = 512;

    private byte _first;
}

/// <summary>
/// The headers of a frame in memory that programs write to, each byte read once: what is judged is what was read, whatever
/// is written meanwhile. Copied as far as it is asked for, since most frames end this after 128 bytes.
/// </summary>
internal unsafe struct HeaderCopy
{
    private const int Most = HeaderBytes.Size;
    private const int FirstStep = 128;

    private HeaderBytes _bytes;
    private int _copied;

    /// <param name="frame">From the Ethernet header on.</param>
    /// <param name="length">Bytes of it that are here.</param>
    public HeaderCopy(byte* frame, int length)
    {
        Unsafe.SkipInit(out this);
        Frame = frame;
        (Length, _copied) = (length, 0);
    }

    /// <summary>The frame itself, to be written to.</summary>
    public byte* Frame { get; }

    public int Length { get; }

    public readonly byte this[int at] => _bytes[at];

    /// <summary>The bytes before <paramref name="end"/> are here, and may be asked for from now on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Has(int end) => end <= _copied || Copy(end);

    /// <summary>Two bytes in network order; the caller knows that it has them.</summary>
    public readonly ushort Word(int at) => BinaryPrimitives.ReadUInt16BigEndian(_bytes[at..]);

    /// <summary>The copy of the first bytes, as far as there are so many.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> First(int most)
    {
        most = Math.Min(Math.Min(most, Most), Length);
        Has(most);
        return _bytes[..most];
    }

    private bool Copy(int end)
    {
        int there = Math.Min(Length, Most);
        if (end > there)
            return false;
        int until = end <= FirstStep ? Math.Min(there, FirstStep) : there;
        new ReadOnlySpan<byte>(Frame + _copied, until - _copied).CopyTo(_bytes[_copied..]);
        _copied = until;
        return true;
    }
}
