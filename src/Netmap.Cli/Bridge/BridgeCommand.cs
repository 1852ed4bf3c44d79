using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bridge;

/// <summary><c>netmap bridge</c>: netmap's bridge with its options (spec 12).</summary>
internal static class BridgeCommand
{
    private static readonly Option<string[]> s_interfaces = new("-i") { Description = "a port, twice; given once, it is joined with its own host rings" };
    private static readonly Argument<string[]> s_positional = new("ports") { Description = "A [B [burst]], instead of -i and -b", Arity = new(0, 3) };
    private static readonly Option<int> s_burst = new("-b") { Description = "frames a sync at most, 1..8192", DefaultValueFactory = _ => 1024 };
    private static readonly Option<int> s_wait = new("-w") { Description = "seconds to wait for the links after opening, 0..100" };
    private static readonly Option<bool> s_copy = new("-c") { Description = "copy frames even where buffers could be exchanged" };
    private static readonly Option<bool> s_loopback = new("-L") { Description = "one port: send back what it receives" };
    private static readonly Option<bool> s_verbose = new("-v") { Description = "print the state each second" };
    private static readonly Option<bool> s_json = new("--json") { Description = "one JSON object at the end, nothing else" };

    public static Command Create()
    {
        Command command = new("bridge", "Join two ports, in both directions, until Ctrl-C; without copying where they share memory.")
        {
            s_positional, s_interfaces, s_burst, s_wait, s_copy, s_loopback, s_verbose, s_json,
        };
        PortArguments.AddTo(command);
        command.SetAction(parsed =>
        {
            BridgeOptions options = Read(parsed);
            using Interrupt interrupt = new();
            using NetmapEngine engine = options.Ports.MakeEngine();
            return new BridgeRun(options, engine).Execute(interrupt.Token);
        });
        return command;
    }

    /// <exception cref="UsageException">A value out of range, or ports missing.</exception>
    public static BridgeOptions Read(ParseResult parsed)
    {
        string[] words = parsed.GetValue(s_positional) ?? [];
        string[] ports = [.. parsed.GetValue(s_interfaces) ?? [], .. words.Take(2)];
        int burst = parsed.GetValue(s_burst);
        if (words.Length == 3 && !int.TryParse(words[2], out burst))
            throw new UsageException($"burst '{words[2]}' is not a number");
        bool loopback = parsed.GetValue(s_loopback);
        if (ports.Length is 0 or > 2)
            throw new UsageException("name one port or two: netmap bridge -i A -i B");
        if (loopback && ports.Length == 2)
            throw new UsageException("-L is for one port");
        string first = PortNames.Full(ports[0]);
        string second = ports.Length == 2 ? PortNames.Full(ports[1]) : first;
        return new()
        {
            First = first,
            // As in netmap's bridge, the same name twice is that name once.
            Second = loopback ? null : second == first ? first + "^" : second,
            Burst = (int)Limits.Within("-b", burst, 1, 8192),
            Wait = TimeSpan.FromSeconds(Limits.Within("-w", parsed.GetValue(s_wait), 0, 100)),
            Copy = parsed.GetValue(s_copy),
            Verbose = parsed.GetValue(s_verbose),
            Ports = PortArguments.Read(parsed),
            Json = parsed.GetValue(s_json),
        };
    }
}

/// <summary>What a bridge was asked to do.</summary>
internal sealed record BridgeOptions
{
    public required string First { get; init; }

    /// <summary>Null: the first port's frames go back to it.</summary>
    public string? Second { get; init; }

    /// <summary>Frames between two syncs at most.</summary>
    public int Burst { get; init; } = 1024;

    public TimeSpan Wait { get; init; }
    public bool Copy { get; init; }
    public bool Verbose { get; init; }
    public PortChoice Ports { get; init; } = new();
    public bool Json { get; init; }
}
