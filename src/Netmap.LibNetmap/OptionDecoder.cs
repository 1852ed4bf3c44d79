using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>
/// nmreq_options_decode: the options behind a port's name, <c>@prefix=value</c> and <c>@prefix:key=value,…</c>, by a list of
/// parsers that may be the caller's own (spec 11.2).
/// </summary>
internal static unsafe class OptionDecoder
{
    [UnmanagedCallersOnly(EntryPoint = "nmreq_options_decode")]
    public static int ExportedDecode(byte* options, nmreq_opt_parser* parsers, void* token, nmctx* ctx) =>
        Decode(options, parsers, token, ctx);

    public static int Decode(byte* options, nmreq_opt_parser* parsers, void* token, nmctx* ctx)
    {
        ReadOnlySpan<byte> rest = CText.Span(options);
        if (rest.IsEmpty)
            return 0;
        if (rest[0] != '@')
            return Wrong(ctx, rest, "options begin with '@'");
        while (!rest.IsEmpty)
        {
            rest = rest[1..];
            int end = rest.IndexOf((byte)'@');
            ReadOnlySpan<byte> option = end < 0 ? rest : rest[..end];
            if (option.IsEmpty)
                return Wrong(ctx, rest, "an option is empty");
            if (One(option, parsers, token, ctx) < 0)
                return -1;
            rest = rest[option.Length..];
        }
        return 0;
    }

    private static int One(ReadOnlySpan<byte> option, nmreq_opt_parser* parsers, void* token, nmctx* ctx)
    {
        // A copy, so that parsers get C strings.
        byte* copy = (byte*)Context.Malloc(ctx, (nuint)option.Length + 1);
        if (copy == null)
            return Context.Fail(ctx, Errno.ENOMEM, "out of memory");
        option.CopyTo(new Span<byte>(copy, option.Length));
        copy[option.Length] = 0;
        int result = Parse(copy, parsers, token, ctx);
        Errno errno = (Errno)Marshal.GetLastSystemError();
        Context.Free(ctx, copy);
        Marshal.SetLastSystemError((int)errno);
        return result;
    }

    private static int Parse(byte* option, nmreq_opt_parser* parser, void* token, nmctx* ctx)
    {
        byte* at = option;
        while (*at is not (0 or (byte)':' or (byte)'='))
            at++;
        byte delimiter = *at;
        *at = 0;
        while (parser != null && !CText.Span(option).SequenceEqual(CText.Span(parser->prefix)))
            parser = parser->next;
        if (parser == null)
            return Wrong(ctx, CText.Span(option), "there is no such option");
        if ((parser->flags & LibNetmapH.NMREQ_OPTF_DISABLED) != 0)
            return Context.Fail(ctx, Errno.EOPNOTSUPP, $"option '{CText.String(option)}' is not enabled");
        nmreq_parse_ctx found = new() { ctx = ctx, token = token };
        int result = delimiter switch
        {
            0 => (parser->flags & LibNetmapH.NMREQ_OPTF_ALLOWEMPTY) != 0 ? 0 : Wrong(ctx, CText.Span(option), "it needs a value"),
            (byte)'=' => DefaultKey(at + 1, option, parser, ref found),
            _ => Keys(at + 1, option, parser, ref found),
        };
        return result < 0 ? result : ((delegate* unmanaged<nmreq_parse_ctx*, int>)parser->parse)(&found);
    }

    private static int DefaultKey(byte* value, byte* option, nmreq_opt_parser* parser, ref nmreq_parse_ctx found)
    {
        if (parser->default_key is < 0 or >= LibNetmapH.NMREQ_OPT_MAXKEYS)
            return Wrong(found.ctx, CText.Span(option), "it has no default key: use ':key=value'");
        if (*value == 0)
            return Wrong(found.ctx, CText.Span(option), "the value is missing");
        found.keys[parser->default_key] = (nint)value;
        return 0;
    }

    private static int Keys(byte* at, byte* option, nmreq_opt_parser* parser, ref nmreq_parse_ctx found)
    {
        // No key at all is fine; behind a comma there must be one.
        for (bool more = *at != 0; more;)
        {
            byte* key = at;
            for (; *at is not (0 or (byte)'=' or (byte)','); at++)
                *at = *at == '-' ? (byte)'_' : *at;
            byte* value = null;
            if (*at == '=')
            {
                *at++ = 0;
                value = at;
            }
            while (*at is not (0 or (byte)','))
                at++;
            more = *at == ',';
            *at = 0;
            at++;
            if (Set(key, value, option, parser, ref found) < 0)
                return -1;
        }
        foreach (ref readonly nmreq_opt_key key in parser->keys)
        {
            if (key.key != null && (key.flags & LibNetmapH.NMREQ_OPTK_MUSTSET) != 0 && found.keys[key.id] == 0)
                return Wrong(found.ctx, CText.Span(option), $"key '{CText.String(key.key)}' must be given");
        }
        return 0;
    }

    /// <summary>A key without '=' stands for itself where it may; <c>key=</c> counts as not given.</summary>
    private static int Set(byte* name, byte* value, byte* option, nmreq_opt_parser* parser, ref nmreq_parse_ctx found)
    {
        foreach (ref readonly nmreq_opt_key key in parser->keys)
        {
            if (key.key == null || !CText.Span(key.key).SequenceEqual(CText.Span(name)))
                continue;
            if (found.keys[key.id] != 0)
                return Wrong(found.ctx, CText.Span(option), $"key '{CText.String(name)}' is given twice");
            if (value == null && (key.flags & LibNetmapH.NMREQ_OPTK_ALLOWEMPTY) == 0)
                return Wrong(found.ctx, CText.Span(option), $"key '{CText.String(name)}' needs '=value'");
            found.keys[key.id] = value == null ? (nint)name : *value != 0 ? (nint)value : 0;
            return 0;
        }
        return Wrong(found.ctx, CText.Span(option), $"there is no key '{CText.String(name)}'");
    }

    private static int Wrong(nmctx* ctx, ReadOnlySpan<byte> option, string reason) =>
        Context.Fail(ctx, Errno.EINVAL, $"option '{Encoding.UTF8.GetString(option)}': {reason}");
}
