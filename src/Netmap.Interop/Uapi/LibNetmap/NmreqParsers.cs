using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Limits and flags of option parsers (<c>libnetmap.h</c>).</summary>
[Abi("libnetmap.h")]
internal static class LibNetmapH
{
    public const int NMREQ_OPT_MAXKEYS = 16;
    public const uint NMREQ_OPTK_ALLOWEMPTY = 1;
    public const uint NMREQ_OPTK_MUSTSET = 2;
    public const uint NMREQ_OPTK_DEFAULT = 4;
    public const uint NMREQ_OPTF_DISABLED = 1;
    public const uint NMREQ_OPTF_ALLOWEMPTY = 2;
}

/// <summary>A key of an option (<c>libnetmap.h</c>, 16 bytes).</summary>
[Abi("libnetmap.h", Name = "struct nmreq_opt_key")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmreq_opt_key
{
    public byte* key;
    public int id;
    public uint flags;
}

/// <summary>How one option of a port's name is parsed (<c>libnetmap.h</c>, 304 bytes, aligned to 16).</summary>
[Abi("libnetmap.h", Name = "struct nmreq_opt_parser")]
[StructLayout(LayoutKind.Sequential, Size = 304)]
internal unsafe struct nmreq_opt_parser
{
    public byte* prefix;

    /// <summary><c>int (struct nmreq_parse_ctx *)</c>.</summary>
    public void* parse;

    public int default_key;
    public int nr_keys;
    public uint flags;
    public nmreq_opt_parser* next;
    public Keys keys;

    /// <summary>All keys an option can have.</summary>
    [InlineArray(LibNetmapH.NMREQ_OPT_MAXKEYS)]
    public struct Keys
    {
        private nmreq_opt_key _first;
    }
}

/// <summary>The values found for one option, by the keys' ids (<c>libnetmap.h</c>, 144 bytes).</summary>
[Abi("libnetmap.h", Name = "struct nmreq_parse_ctx")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct nmreq_parse_ctx
{
    public nmctx* ctx;
    public void* token;
    public Values keys;

    /// <summary>C strings, or 0 for keys that were not given.</summary>
    [InlineArray(LibNetmapH.NMREQ_OPT_MAXKEYS)]
    public struct Values
    {
        private nint _first;
    }
}
