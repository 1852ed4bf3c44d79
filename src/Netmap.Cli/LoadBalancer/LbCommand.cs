using System.CommandLine;
using System.Globalization;
using Netmap.Cli.Common;

namespace Netmap.Cli.LoadBalancer;

/// <summary><c>netmap lb</c>: netmap's load balancer with its options (spec 12).</summary>
internal static class LbCommand
{
    private static readonly Option<string> s_interface = new("-i") { Description = "the port whose frames are dealt out", Required = true };
    private static readonly Option<string[]> s_pipes = new("-p") { Description = "[name:]n, again for each group: n pipes name{0, name{1 …; every group sees every frame. One group of 2 with the port's name" };
    private static readonly Option<int> s_extra = new("-B") { Description = "extra buffers, for frames that wait where a pipe is full" };
    private static readonly Option<int> s_burst = new("-b") { Description = "frames of a ring between two syncs at most, 1..8192", DefaultValueFactory = _ => 2048 };
    private static readonly Option<int> s_wait = new("-w") { Description = "seconds to wait for the link after opening, 0..100" };
    private static readonly Option<bool> s_busy = new("-W") { Description = "never sleep" };
    private static readonly Option<int> s_syslog = new("-s") { Description = "seconds between statistics sent to syslog, 0 for none" };
    private static readonly Option<int> s_output = new("-o") { Description = "seconds between statistics on standard output, 0 for none" };
    private static readonly Option<bool> s_json = new("--json") { Description = "nothing but statistics on standard output, one JSON object a line, the last at the end" };

    public static Command Create()
    {
        Command command = new("lb", "Deal the frames of one port to pipes, both directions of a flow to the same one, until Ctrl-C.")
        {
            s_interface, s_pipes, s_extra, s_burst, s_wait, s_busy, s_syslog, s_output, s_json,
        };
        PortArguments.AddTo(command);
        command.SetAction(parsed =>
        {
            LbOptions options = Read(parsed);
            using Interrupt interrupt = new();
            using NetmapEngine engine = options.Ports.MakeEngine();
            return new LbRun(options, engine).Execute(interrupt.Token);
        });
        return command;
    }

    /// <exception cref="UsageException">A value out of range.</exception>
    public static LbOptions Read(ParseResult parsed)
    {
        string port = PortNames.Full(parsed.GetRequiredValue(s_interface));
        return new()
        {
            Port = port,
            Groups = Groups(parsed.GetValue(s_pipes) is { Length: > 0 } given ? given : ["2"], port),
            ExtraBuffers = (int)Limits.Within("-B", parsed.GetValue(s_extra), 0, 1_000_000),
            Burst = (int)Limits.Within("-b", parsed.GetValue(s_burst), 1, 8192),
            Wait = TimeSpan.FromSeconds(Limits.Within("-w", parsed.GetValue(s_wait), 0, 100)),
            Busy = parsed.GetValue(s_busy),
            Syslog = TimeSpan.FromSeconds(Limits.Within("-s", parsed.GetValue(s_syslog), 0, 86400)),
            Output = TimeSpan.FromSeconds(Limits.Within("-o", parsed.GetValue(s_output), 0, 86400)),
            Ports = PortArguments.Read(parsed),
            Json = parsed.GetValue(s_json),
        };
    }

    /// <summary>Groups of one name go on counting.</summary>
    private static PipeGroup[] Groups(string[] given, string port)
    {
        List<PipeGroup> groups = [];
        foreach (string word in given)
        {
            int colon = word.LastIndexOf(':');
            if (!int.TryParse(word[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is < 1 or > 64)
                throw new UsageException($"-p {word}: [name:]n, with n from 1 to 64");
            string name = colon > 0 ? word[..colon] : PortName.Parse(port).Name;
            groups.Add(new(name, groups.Where(group => group.Name == name).Sum(group => group.Count), count));
        }
        return [.. groups];
    }
}

/// <summary>Pipes that share the frames among them.</summary>
/// <param name="Name">Of their parent.</param>
/// <param name="First">Number of the first one.</param>
/// <param name="Count">How many.</param>
internal sealed record PipeGroup(string Name, int First, int Count);

/// <summary>What lb was asked to do.</summary>
internal sealed record LbOptions
{
    public required string Port { get; init; }

    public required PipeGroup[] Groups { get; init; }
    public int ExtraBuffers { get; init; }
    public int Burst { get; init; } = 2048;
    public TimeSpan Wait { get; init; }
    public bool Busy { get; init; }

    /// <summary>Zero for none.</summary>
    public TimeSpan Syslog { get; init; }

    /// <summary>Zero for none.</summary>
    public TimeSpan Output { get; init; }

    public PortChoice Ports { get; init; } = new();
    public bool Json { get; init; }
}
