namespace Netmap.Interop;

/// <summary>
/// Names the C declaration a type mirrors. The Abi tests generate a <c>_Static_assert</c> for the size and every
/// field of such a struct, and for every constant of such a static class or enum, and compile them with gcc.
/// A struct of this assembly without this attribute fails those tests.
/// </summary>
/// <param name="header">The header to include, such as <c>net/netmap.h</c>.</param>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Class | AttributeTargets.Enum | AttributeTargets.Field)]
internal sealed class AbiAttribute(string header) : Attribute
{
    /// <summary>The header to include.</summary>
    public string Header { get; } = header;

    /// <summary>The C name of a struct or field where it differs from the C# name, such as <c>struct netmap_slot</c>.</summary>
    public string? Name { get; init; }

    /// <summary>The C# struct holds only the first members of the C one: offsets are checked, not the size.</summary>
    public bool Prefix { get; init; }

    /// <summary>First kernel release whose headers have the name, such as <c>6.6</c>; older headers skip this check.</summary>
    public string? Since { get; init; }
}

/// <summary>A value type of this assembly that mirrors no C declaration, with the reason.</summary>
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Class | AttributeTargets.Enum)]
internal sealed class NotAbiAttribute(string reason) : Attribute
{
    public string Reason { get; } = reason;
}
