using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>
/// nmreq_header_decode and nmreq_register_decode: a port's name, then its mode, flags and memory (spec 11.2). Each takes
/// what is its own and leaves the caller's pointer at the rest.
/// </summary>
internal static unsafe class NameDecoder
{
    private const int LargestNumber = 4094;
    private const string Flags = "flags are x z t r R T";

    [UnmanagedCallersOnly(EntryPoint = "nmreq_header_decode")]
    public static int ExportedHeader(byte** spec, nmreq_header* header, nmctx* ctx) => Header(ref *spec, header, ctx);

    /// <summary>Prefix, interface and pipe, into nr_name.</summary>
    public static int Header(ref byte* spec, nmreq_header* header, nmctx* ctx)
    {
        ReadOnlySpan<byte> text = CText.Span(spec);
        bool vale = text.StartsWith("vale"u8);
        if (!vale && !text.StartsWith("netmap"u8))
            return Wrong(ctx, text, "a name starts with netmap: or valeSWITCH:");
        int colon = text.IndexOf((byte)':');
        if (colon < 0)
            return Wrong(ctx, text, "the ':' is missing");
        if (!vale && colon != "netmap".Length)
            return Wrong(ctx, text, "nothing may stand between netmap and ':'");
        if (vale && !CText.IsIdentifier(text["vale".Length..colon]))
            return Wrong(ctx, text, "a switch's name has letters, digits and _ only");
        int length = text[(colon + 1)..].IndexOfAny("-*^/@"u8);
        int end = length < 0 ? text.Length : colon + 1 + length;
        int pipe = text[(colon + 1)..end].IndexOfAny((byte)'{', (byte)'}');
        if (pipe >= 0)
        {
            ReadOnlySpan<byte> id = text[(colon + 2 + pipe)..end];
            if (id.IsEmpty || !CText.IsIdentifier(id))
                return Wrong(ctx, text, "a pipe's name has letters, digits and _ only, and is not empty");
        }
        ReadOnlySpan<byte> name = text[(vale ? 0 : colon + 1)..end];
        if (name.Length is 0 or >= NetmapH.NETMAP_REQ_IFNAMSIZ)
            return Wrong(ctx, text, $"a port's name has 1 to {NetmapH.NETMAP_REQ_IFNAMSIZ - 1} characters");
        name.CopyTo(new Span<byte>(header->nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ));
        header->nr_name[name.Length] = 0;
        spec += end;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmreq_register_decode")]
    public static int ExportedRegister(byte** mode, nmreq_register* register, nmctx* ctx) => Register(ref *mode, register, ctx);

    /// <summary>Mode, flags and memory id; stops at the first option.</summary>
    public static int Register(ref byte* mode, nmreq_register* register, nmctx* ctx)
    {
        byte* at = mode;
        nmreq_register found = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_mem_id = register->nr_mem_id };
        if (Rings(ref at, ref found, ctx) < 0)
            return -1;
        while (*at != 0)
        {
            bool isOption = at[0] == '@' && at[1] != 0 && !char.IsAsciiDigit((char)at[1]);
            if (isOption)
                break;
            int result = *at switch
            {
                (byte)'/' => FlagLetters(ref at, ref found, ctx),
                (byte)'@' => Memory(ref at, ref found, ctx),
                _ => Wrong(ctx, CText.Span(at), "unexpected character"),
            };
            if (result < 0)
                return -1;
        }
        register->nr_mode = found.nr_mode;
        register->nr_ringid = found.nr_ringid;
        register->nr_flags = found.nr_flags;
        register->nr_mem_id = found.nr_mem_id;
        mode = at;
        return 0;
    }

    private static int Rings(ref byte* at, ref nmreq_register found, nmctx* ctx)
    {
        byte kind = *at;
        if (kind is not ((byte)'^' or (byte)'*' or (byte)'-'))
            return 0;
        at++;
        bool numbered = kind == '-' || (kind == '^' && char.IsAsciiDigit((char)*at));
        found.nr_mode = kind switch
        {
            (byte)'*' => NetmapReq.NR_REG_NIC_SW,
            (byte)'-' => NetmapReq.NR_REG_ONE_NIC,
            _ => numbered ? NetmapReq.NR_REG_ONE_SW : NetmapReq.NR_REG_SW,
        };
        if (!numbered)
            return 0;
        byte* start = at;
        long ring = CText.Number(ref at);
        if (ring is < 0 or > LargestNumber)
            return Wrong(ctx, CText.Span(start), $"a ring's number is 0..{LargestNumber}");
        found.nr_ringid = (ushort)ring;
        return 0;
    }

    private static int FlagLetters(ref byte* at, ref nmreq_register found, nmctx* ctx)
    {
        byte* first = ++at;
        for (; *at != 0 && *at != '@'; at++)
        {
            ulong flag = *at switch
            {
                (byte)'x' => NetmapH.NR_EXCLUSIVE,
                (byte)'z' => NetmapH.NR_ZCOPY_MON,
                (byte)'t' => NetmapH.NR_MONITOR_TX,
                (byte)'r' => NetmapH.NR_MONITOR_RX,
                (byte)'R' => NetmapH.NR_RX_RINGS_ONLY,
                (byte)'T' => NetmapH.NR_TX_RINGS_ONLY,
                _ => 0,
            };
            if (flag == 0)
                return Wrong(ctx, CText.Span(at), Flags);
            found.nr_flags |= flag;
        }
        // None at all are fine before a memory id or an option, as with netmap: programs put names together from parts.
        return at > first || *at == '@' ? 0 : Wrong(ctx, CText.Span(first), Flags);
    }

    private static int Memory(ref byte* at, ref nmreq_register found, nmctx* ctx)
    {
        byte* start = at++;
        long id = CText.Number(ref at);
        if (id is <= 0 or > ushort.MaxValue)
            return Wrong(ctx, CText.Span(start), "a memory id is a number of at least 1");
        if (found.nr_mem_id != 0 && found.nr_mem_id != id)
            return Wrong(ctx, CText.Span(start), $"the memory id is {found.nr_mem_id} already");
        found.nr_mem_id = (ushort)id;
        return 0;
    }

    private static int Wrong(nmctx* ctx, ReadOnlySpan<byte> text, string reason) =>
        Context.Fail(ctx, Errno.EINVAL, $"'{System.Text.Encoding.UTF8.GetString(text)}': {reason}");
}
