namespace Netmap.Bpf.Filters;

/// <summary>Where bytes that a filter reads lie, when the frame's outer VLAN tag lies beside it.</summary>
internal enum TagOverlap
{
    /// <summary>Before the tag: where the filter says.</summary>
    Before,

    /// <summary>Behind the tag: four bytes nearer to the frame's start.</summary>
    Behind,

    /// <summary>One of the tag's two halves, or a byte of it.</summary>
    Part,

    /// <summary>A word made of two halves, at least one of them the tag's.</summary>
    Halves,

    /// <summary>Across a border at an odd place: such a filter does not match a tagged frame.</summary>
    Odd,
}

/// <summary>A VLAN tag in a frame: protocol, then priority and identifier, two bytes each, between the addresses and the rest.</summary>
internal static class VlanTag
{
    public const int Place = 12;
    public const int Identifier = 14;
    public const int End = 16;
    public const int Bytes = 4;

    public static TagOverlap Overlap(int at, BpfSize size)
    {
        int bytes = size.Bytes();
        return at + bytes <= Place ? TagOverlap.Before
            : at >= End ? TagOverlap.Behind
            : bytes == 1 ? TagOverlap.Part
            : (at & 1) != 0 ? TagOverlap.Odd
            : bytes == 2 ? TagOverlap.Part
            : TagOverlap.Halves;
    }
}
