using System.Globalization;
using Netmap.Interop;

namespace Netmap;

/// <summary>
/// A port's name taken apart: <c>netmap:eth0-3/xT@2</c>, <c>vale0:p@conf:rings=2</c> (spec 11.2). Made by <see cref="Parse(string)"/>.
/// </summary>
public sealed record PortName
{
    private const int LongestName = NetmapH.NETMAP_REQ_IFNAMSIZ - 1;
    private const int LargestNumber = 4094;

    /// <summary>What goes to the engine: the interface, or for VALE the whole <c>vale0:port</c>; 1..63 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Which rings (<c>NR_REG_*</c>).</summary>
    internal uint Mode { get; init; } = NetmapReq.NR_REG_ALL_NIC;

    /// <summary>Ring number of <c>-N</c> or <c>^N</c>, else 0.</summary>
    public int Ring { get; init; }

    /// <summary>Flags after the slash (<c>NR_*</c>).</summary>
    internal ulong Flags { get; init; }

    /// <summary>Memory id after <c>@</c>, 0 for none.</summary>
    public int MemoryId { get; init; }

    /// <summary>Rings and slots of <c>@conf:</c>, 0 where it says nothing.</summary>
    public int TxRings { get; init; }

    /// <inheritdoc cref="TxRings"/>
    public int RxRings { get; init; }

    /// <inheritdoc cref="TxRings"/>
    public int HostTxRings { get; init; }

    /// <inheritdoc cref="TxRings"/>
    public int HostRxRings { get; init; }

    /// <inheritdoc cref="TxRings"/>
    public int TxSlots { get; init; }

    /// <inheritdoc cref="TxRings"/>
    public int RxSlots { get; init; }

    /// <summary>Who else may open the port, <c>alice+%capture</c>, of <c>@conf:users=</c>; null for its owner alone.</summary>
    public string? SharedWith { get; init; }

    /// <summary>The user whose port it is, of <c>@conf:owner=</c>: its memory is used. Null for one's own.</summary>
    public string? OwnedBy { get; init; }

    /// <summary>The port of <c>@share=</c>, whose memory is to be used; null for none.</summary>
    public string? Share { get; init; }

    /// <summary>Of <c>@offset=</c>; null for none.</summary>
    public OffsetOptions? Offsets { get; init; }

    /// <summary>Of <c>@extmem=</c>; null for none.</summary>
    public ExternalMemory? ExternalMemory { get; init; }

    /// <summary>Takes a name apart; <c>@offset=N</c> is not accepted.</summary>
    /// <exception cref="NetmapException">EINVAL, with the position of the wrong character; EOPNOTSUPP @offset.</exception>
    public static PortName Parse(string text) => Parse(text, acceptOffsets: false);

    /// <summary>Takes a name apart.</summary>
    /// <param name="text">The name.</param>
    /// <param name="acceptOffsets">Lets it say <c>@offset=N</c>, see <see cref="NetmapPortOptions.AcceptOffsets"/>.</param>
    /// <exception cref="NetmapException">EINVAL, with the position of the wrong character; EOPNOTSUPP @offset not accepted.</exception>
    public static PortName Parse(string text, bool acceptOffsets)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new PortNameParser(text, LongestName, LargestNumber).Parse(acceptOffsets);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>One pass over a port's name, from left to right.</summary>
internal ref struct PortNameParser(string text, int longestName, int largestNumber)
{
    private const string Separators = "-*^/@";

    private int _at;

    private readonly bool AtEnd => _at == text.Length;

    private readonly char Here => AtEnd ? '\0' : text[_at];

    /// <summary>Whether what stands here is a memory id and not an option.</summary>
    private readonly bool AtMemory => Here == '@' && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1]);

    public PortName Parse(bool acceptOffsets)
    {
        string name = Prefix() + Base();
        if (name.Length > longestName)
            throw Wrong(longestName, $"a name has at most {longestName} characters");
        (uint mode, int ring) = Mode();
        ulong flags = 0;
        int memory = 0;
        bool hasFlags = false;
        while (!AtEnd && (Here != '@' || AtMemory))
        {
            if (Here == '/' && !hasFlags)
            {
                flags = Flags();
                hasFlags = true;
            }
            else if (Here == '@' && memory == 0)
            {
                memory = Memory();
            }
            else
            {
                throw Wrong(_at, Here == '@' ? "a second memory id" : "unexpected character");
            }
        }
        PortName parsed = new() { Name = name, Mode = mode, Ring = ring, Flags = flags, MemoryId = memory };
        return new PortNameOptions(text, _at, acceptOffsets).AddTo(parsed);
    }

    /// <summary>"netmap:" is left out of the name; "valeX:" is part of it, and so is our own "tap:".</summary>
    private string Prefix()
    {
        int colon = text.IndexOf(':');
        bool known = text.StartsWith("netmap:", StringComparison.Ordinal) || text.StartsWith("tap:", StringComparison.Ordinal)
            || text.StartsWith("vale", StringComparison.Ordinal);
        if (colon < 0 || !known)
            throw Wrong(0, "a name starts with netmap:, tap: or valeSWITCH:, for example netmap:eth0");
        for (int i = 4; i < colon && text[0] == 'v'; i++)
        {
            if (!IsIdentifier(text[i]))
                throw Wrong(i, "a switch's name has letters, digits and _ only");
        }
        _at = colon + 1;
        return text[0] is 'v' or 't' ? text[.._at] : "";
    }

    /// <summary>Interface, and a pipe's name behind { or }.</summary>
    private string Base()
    {
        int start = _at;
        while (!AtEnd && !Separators.Contains(Here) && Here is not ('{' or '}'))
            _at++;
        if (_at == start && text[0] != 'v')
            throw Wrong(start, "an interface's name is missing");
        if (Here is '{' or '}')
        {
            int pipe = ++_at;
            while (!AtEnd && IsIdentifier(Here))
                _at++;
            if (_at == pipe || Here is '{' or '}')
                throw Wrong(_at, "a pipe's name has letters, digits and _ only");
        }
        return text[start.._at];
    }

    private (uint Mode, int Ring) Mode()
    {
        switch (Here)
        {
            case '^':
                _at++;
                return char.IsAsciiDigit(Here)
                    ? (NetmapReq.NR_REG_ONE_SW, Number("a host ring's number"))
                    : (NetmapReq.NR_REG_SW, 0);
            case '*':
                _at++;
                return (NetmapReq.NR_REG_NIC_SW, 0);
            case '-':
                _at++;
                return (NetmapReq.NR_REG_ONE_NIC, Number("a ring's number"));
            default:
                return (NetmapReq.NR_REG_ALL_NIC, 0);
        }
    }

    private ulong Flags()
    {
        int first = ++_at;
        ulong flags = 0;
        while (!AtEnd && Here is not ('@' or '/'))
        {
            flags |= Here switch
            {
                'x' => NetmapH.NR_EXCLUSIVE,
                'z' => NetmapH.NR_ZCOPY_MON,
                't' => NetmapH.NR_MONITOR_TX,
                'r' => NetmapH.NR_MONITOR_RX,
                'R' => NetmapH.NR_RX_RINGS_ONLY,
                'T' => NetmapH.NR_TX_RINGS_ONLY,
                _ => throw Wrong(_at, "flags are x z t r R T"),
            };
            _at++;
        }
        // None at all are fine before a memory id or an option, as with netmap: programs put names together from parts.
        return _at > first || (!AtEnd && Here == '@') ? flags : throw Wrong(_at, "flags are x z t r R T");
    }

    private int Memory()
    {
        int at = ++_at;
        int id = Number("a memory id");
        return id > 0 ? id : throw Wrong(at, "memory ids start at 1");
    }

    private int Number(string what)
    {
        int start = _at;
        while (!AtEnd && char.IsAsciiDigit(Here))
            _at++;
        return int.TryParse(text.AsSpan(start, _at - start), CultureInfo.InvariantCulture, out int number) && number <= largestNumber
            ? number
            : throw Wrong(start, $"{what} is 0..{largestNumber}");
    }

    private static bool IsIdentifier(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private readonly NetmapException Wrong(int at, string reason) => Wrong(text, at, reason);

    public static NetmapException Wrong(string text, int at, string reason) => new(Errno.EINVAL, "open", text,
        at < text.Length ? $"at character {at + 1} '{text[at]}': {reason}" : $"at the end: {reason}");
}
