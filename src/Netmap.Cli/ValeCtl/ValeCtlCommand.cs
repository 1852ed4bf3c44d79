using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Netmap.Cli.ValeCtl;

/// <summary><c>netmap vale-ctl</c>: netmap's tool for switches (spec 12).</summary>
internal static class ValeCtlCommand
{
    private const string ShareOption = "--share";

    private static readonly (char Letter, string Argument, string Description)[] s_actions =
    [
        ('a', "valeX:IF", "attach an interface, or a persistent port; the host's stack is cut off from it"),
        ('h', "valeX:IF", "attach an interface and the host's stack behind it"),
        ('d', "valeX:IF", "detach"),
        ('n', "NAME", "create a persistent port"),
        ('r', "NAME", "delete a persistent port"),
        ('g', "PORT", "show memory, slots and rings of a port"),
        ('l', "valeX:PORT", "show the indices of a port"),
        ('p', "valeX:IF", "start polling an attached interface"),
        ('P', "valeX:IF", "stop polling"),
    ];

    public static Command Create()
    {
        Option<string[]>[] actions = [.. s_actions.Select(action => new Option<string[]>($"-{action.Letter}")
        {
            Description = action.Description,
            HelpName = action.Argument,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        })];
        Option<string[]> share = new(ShareOption)
        {
            HelpName = "valeX=LIST",
            Description = "with --host: let these users have ports on the switch beside its owner, alice+%ops; * for all, an empty list for none",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        Option<string?> config = new("-C") { HelpName = "N,N…", Description = "tx_slots,rx_slots,tx_rings,rx_rings for -n; mode,cpu,cpus for -p (mode 1: one CPU for all rings, 2: CPU i for ring i)" };
        Option<string?> memory = new("-m") { HelpName = "ID|PORT", Description = "memory to use, by its id or by a port that has it" };
        Option<bool> verbose = new("-v") { Description = "print what -a, -h, -d and -n gave" };
        Option<string?> server = new("--host") { Description = "a server that has the switches, which then stay: the path of its socket, or @name" };
        Option<bool> json = new("--json") { Description = "one JSON object a line" };
        Command command = new("vale-ctl",
            "Control VALE switches: -a vale0:eth0 -a vale0:eth1 joins two interfaces until Ctrl-C. Actions are carried out in order;\n"
            + "without any, all ports are listed (exit code 1, as netmap's). With --host the switches of a server.");
        foreach (Option<string[]> action in actions)
            command.Options.Add(action);
        command.Options.Add(share);
        command.Options.Add(config);
        command.Options.Add(memory);
        command.Options.Add(verbose);
        command.Options.Add(server);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            using ISwitchHost host = parsed.GetValue(server) is { } there ? new ServerSwitchHost(there) : new OwnEngine();
            int memoryId = Memory(host, parsed.GetValue(memory));
            ValeCtlRun run = new(host, new ValeConfig(parsed.GetValue(config)), memoryId, parsed.GetValue(verbose), parsed.GetValue(json));
            return run.Execute([.. Actions(parsed)]);
        });
        return command;
    }

    /// <summary>In the order of the command line, which the options' values do not have.</summary>
    private static IEnumerable<ValeAction> Actions(ParseResult parsed)
    {
        Token[] tokens = [.. parsed.Tokens];
        for (int i = 0; i + 1 < tokens.Length; i++)
        {
            if (tokens[i].Type != TokenType.Option)
                continue;
            if (tokens[i].Value == ShareOption)
                yield return new(ValeAction.Share, tokens[i + 1].Value);
            else if (tokens[i].Value.Length == 2 && s_actions.Any(a => a.Letter == tokens[i].Value[1]))
                yield return new(tokens[i].Value[1], tokens[i + 1].Value);
        }
    }

    private static int Memory(ISwitchHost host, string? text) =>
        text is null ? 0
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id
        : host.Info(text.Contains(':') ? text : "netmap:" + text).MemoryId;
}
