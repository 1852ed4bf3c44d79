using System.Globalization;
using Netmap.Interop;

namespace Netmap;

/// <summary>
/// What follows the first <c>@</c> of a port's name that no digit follows: <c>@conf:rings=2,slots=512@share=vale0:p</c>
/// (spec 11.2). In keys - and _ are the same; <c>KEY=</c> leaves a key unset.
/// </summary>
internal ref struct PortNameOptions(string text, int start, bool acceptOffsets)
{
    private readonly HashSet<string> _seen = [];

    /// <summary>The name with what its options say.</summary>
    public readonly PortName AddTo(PortName name)
    {
        for (int at = start; at < text.Length;)
        {
            int end = text.IndexOf('@', at + 1);
            end = end < 0 ? text.Length : end;
            name = Option(name, at + 1, end);
            at = end;
        }
        return name;
    }

    private readonly PortName Option(PortName name, int at, int end)
    {
        int length = text.AsSpan(at, end - at).IndexOfAny('=', ':');
        int after = length < 0 ? end : at + length;
        string option = text[at..after];
        if (!_seen.Add(option))
            throw Wrong(at, $"a second {option}");
        return option switch
        {
            "conf" => Configure(name, after, end),
            "share" => name with { Share = new Keys(text, after, end, "port", ["port"]).Required("port") },
            "offset" => Offset(name, at, after, end),
            "extmem" => External(name, after, end),
            _ => throw Wrong(at, "options are @conf:KEY=N,…, @share=PORT, @extmem=FILE and @offset=N"),
        };
    }

    private readonly PortName Configure(PortName name, int after, int end)
    {
        Keys keys = new(text, after, end, null,
        [
            "rings", "host_rings", "slots", "tx_rings", "rx_rings", "host_tx_rings", "host_rx_rings", "tx_slots", "rx_slots",
            "users", "owner",
        ]);
        return name with
        {
            TxRings = keys.Number("tx_rings", ushort.MaxValue) ?? keys.Number("rings", ushort.MaxValue) ?? 0,
            RxRings = keys.Number("rx_rings", ushort.MaxValue) ?? keys.Number("rings", ushort.MaxValue) ?? 0,
            HostTxRings = keys.Number("host_tx_rings", ushort.MaxValue) ?? keys.Number("host_rings", ushort.MaxValue) ?? 0,
            HostRxRings = keys.Number("host_rx_rings", ushort.MaxValue) ?? keys.Number("host_rings", ushort.MaxValue) ?? 0,
            TxSlots = keys.Number("tx_slots", int.MaxValue) ?? keys.Number("slots", int.MaxValue) ?? 0,
            RxSlots = keys.Number("rx_slots", int.MaxValue) ?? keys.Number("slots", int.MaxValue) ?? 0,
            SharedWith = keys.Text("users"),
            OwnedBy = keys.Text("owner"),
        };
    }

    private readonly PortName External(PortName name, int after, int end)
    {
        Keys keys = new(text, after, end, "file", ["file", "if_num", "if_size", "ring_num", "ring_size", "buf_num", "buf_size"]);
        return name with
        {
            ExternalMemory = new()
            {
                Path = keys.Required("file"),
                InterfaceCount = keys.Number("if_num", int.MaxValue) ?? 0,
                InterfaceSize = keys.Number("if_size", int.MaxValue) ?? 0,
                RingCount = keys.Number("ring_num", int.MaxValue) ?? 0,
                RingSize = keys.Number("ring_size", int.MaxValue) ?? 0,
                BufferCount = keys.Number("buf_num", int.MaxValue) ?? 0,
                BufferSize = keys.Number("buf_size", int.MaxValue) ?? 0,
            },
        };
    }

    private readonly PortName Offset(PortName name, int at, int after, int end)
    {
        if (!acceptOffsets)
            throw new NetmapException(Errno.EOPNOTSUPP, "open", text,
                $"at character {at + 1}: this program does not say that it reads frames at offsets (AcceptOffsets); leave @offset out");
        Keys keys = new(text, after, end, "initial", ["initial", "bits"]);
        keys.Required("initial");
        int initial = keys.Number("initial", int.MaxValue)!.Value;
        return name with { Offsets = new() { Initial = initial, Max = initial, Bits = keys.Number("bits", int.MaxValue) ?? 0 } };
    }

    private readonly NetmapException Wrong(int at, string reason) => PortNameParser.Wrong(text, at, reason);

    /// <summary>The keys of one option, with the places of their values.</summary>
    private readonly ref struct Keys
    {
        private readonly string _text;
        private readonly int _end;
        private readonly Dictionary<string, (string Value, int At)> _values = [];

        public Keys(string text, int at, int end, string? byDefault, ReadOnlySpan<string> known)
        {
            (_text, _end) = (text, end);
            if (at < end && text[at] == '=')
                Add(byDefault ?? throw PortNameParser.Wrong(text, at, $"which key? There are {string.Join(' ', known)}: write :{known[0]}=N"), at + 1, end);
            else if (at < end)
                Read(at + 1, known);
        }

        public string Required(string key) => _values.TryGetValue(key, out (string Value, int At) found) && found.Value.Length > 0
            ? found.Value
            : throw PortNameParser.Wrong(_text, _end, $"{key} needs a value");

        /// <summary>Null when the key is unset.</summary>
        public string? Text(string key) => _values.TryGetValue(key, out (string Value, int At) found) && found.Value.Length > 0 ? found.Value : null;

        /// <summary>Null when the key is unset.</summary>
        public int? Number(string key, int most)
        {
            if (!_values.TryGetValue(key, out (string Value, int At) found) || found.Value.Length == 0)
                return null;
            return int.TryParse(found.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= most
                ? number
                : throw PortNameParser.Wrong(_text, found.At, $"{key} is a number up to {most}");
        }

        private void Read(int at, ReadOnlySpan<string> known)
        {
            for (int stop; at <= _end; at = stop + 1)
            {
                stop = _text.IndexOf(',', at, _end - at);
                stop = stop < 0 ? _end : stop;
                int equals = _text.IndexOf('=', at, stop - at);
                if (equals < 0)
                    throw PortNameParser.Wrong(_text, at, "a key and its value are KEY=VALUE");
                string key = _text[at..equals].Replace('-', '_');
                if (!known.Contains(key))
                    throw PortNameParser.Wrong(_text, at, $"keys are {string.Join(' ', known)}");
                if (_values.ContainsKey(key))
                    throw PortNameParser.Wrong(_text, at, $"a second {key}");
                Add(key, equals + 1, stop);
            }
        }

        private void Add(string key, int at, int end) => _values.Add(key, (_text[at..end], at));
    }
}
