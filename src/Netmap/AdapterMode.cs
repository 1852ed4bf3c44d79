namespace Netmap;

/// <summary>Which adapters an engine may use for interfaces: netmap's <c>admode</c>, with its numbers.</summary>
public enum AdapterMode
{
    /// <summary>Native where interface and rights allow it, else generic, saying why. The default.</summary>
    Best = 0,

    /// <summary>Native, or an error that says why not.</summary>
    Native = 1,

    /// <summary>Generic.</summary>
    Generic = 2,
}
