using System.CommandLine;

namespace Netmap.Cli.Common;

/// <summary>How a tool opens ports, as all tools have it.</summary>
internal sealed record PortChoice
{
    /// <summary>A server that has the ports; null for an engine of our own.</summary>
    public string? Host { get; init; }

    /// <summary>What network interfaces are to give, an expression of pcap-filter(7); null for everything.</summary>
    public string? Filter { get; init; }

    public AdapterMode Mode { get; init; }

    public NativeGear Gear { get; init; }

    /// <summary>Bytes of a netmap buffer.</summary>
    public int BufferSize { get; init; } = 2048;

    /// <summary>An engine for ports that no server has.</summary>
    public NetmapEngine MakeEngine() => new(new NetmapEngineOptions { AdapterMode = Mode, NativeGear = Gear, BufferSize = BufferSize });

    /// <summary>Opens a port; the filter is for interfaces, the other ends of pipes and switches have what others send them.</summary>
    /// <exception cref="NetmapException">What opening it says.</exception>
    public NetmapPort Open(string name, NetmapEngine engine, NetmapPortOptions? options = null) =>
        NetmapPort.Open(name, (options ?? new()) with { Host = Host, Filter = IsInterface(name) ? Filter : null }, engine);

    /// <exception cref="UsageException">There is a filter, and none of these ports is an interface.</exception>
    public void Check(params string?[] names)
    {
        if (Filter is not null && !names.OfType<string>().Any(IsInterface))
            throw new UsageException("--filter is for network interfaces: netmap:IFACE");
    }

    private static bool IsInterface(string name) =>
        name.StartsWith("netmap:", StringComparison.Ordinal) && !name.AsSpan().ContainsAny('{', '}');
}

/// <summary>The options behind <see cref="PortChoice"/>: one set for all tools.</summary>
internal static class PortArguments
{
    private static readonly Option<string?> s_host = new("--host") { Description = "a server that has the ports: the path of its socket, or @name" };
    private static readonly Option<string?> s_filter = new("--filter") { HelpName = "EXPR", Description = "take only what matches this expression of pcap-filter(7), such as 'udp port 4789'; the rest stays with the host" };
    private static readonly Option<string?> s_mode = new("--admode") { HelpName = "best|native|generic", Description = "adapter of network interfaces; best: native where it can be had" };
    private static readonly Option<string?> s_gear = new("--gear") { HelpName = "auto|plain|fast", Description = "how native ports move frames where the driver has no zero-copy" };
    private static readonly Option<int> s_bufferSize = new("--buffer-size") { Description = "bytes of a netmap buffer, 64..65536", DefaultValueFactory = _ => 2048 };

    /// <summary>For the table of a command.</summary>
    public static IReadOnlyList<Option> All { get; } = [s_host, s_filter, s_mode, s_gear, s_bufferSize];

    /// <param name="command">The command.</param>
    /// <param name="opens">It opens ports; one that only looks has no use for a filter.</param>
    public static void AddTo(Command command, bool opens = true)
    {
        foreach (Option option in All.Where(option => opens || option != s_filter))
            command.Options.Add(option);
    }

    /// <exception cref="UsageException">A value that is none, or that is the server's to set.</exception>
    public static PortChoice Read(ParseResult parsed)
    {
        string? host = parsed.GetValue(s_host);
        foreach ((Option option, string parameter) in (ReadOnlySpan<(Option, string)>)[(s_mode, "admode"), (s_gear, "native_gear"), (s_bufferSize, "buf_size")])
        {
            if (host is not null && parsed.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} is the server's to say: netmap param {parameter}=… --host {host}");
        }
        return new()
        {
            Host = host,
            Filter = parsed.GetValue(s_filter),
            Mode = OneOf<AdapterMode>(s_mode, parsed),
            Gear = OneOf<NativeGear>(s_gear, parsed),
            BufferSize = (int)Limits.Within("--buffer-size", parsed.GetValue(s_bufferSize), 64, 65536),
        };
    }

    private static T OneOf<T>(Option<string?> option, ParseResult parsed)
        where T : struct, Enum
    {
        if (parsed.GetValue(option) is not { } word)
            return default;
        return Enum.GetNames<T>().Any(name => name.Equals(word, StringComparison.OrdinalIgnoreCase))
            ? Enum.Parse<T>(word, ignoreCase: true)
            : throw new UsageException($"{option.Name} {word} is none of {string.Join(' ', Enum.GetNames<T>()).ToLowerInvariant()}");
    }
}
