using System.CommandLine;
using Netmap.Cli.Common;
using Netmap.Server;
using Netmap.Server.Configuration;

namespace Netmap.Cli.Serve;

/// <summary>What netmapd's users may do and have (docs/ownership.md): options, and the file beside them.</summary>
internal static class AccessOptions
{
    private static readonly NetmapServerOptions s_defaults = new() { Host = NetmapHost.Default };

    private static readonly Option<string?> s_config = new("--config")
    {
        HelpName = "FILE",
        Description = $"rules and limits; {ConfigurationSource.DefaultFile} if it exists; SIGHUP reads it anew",
    };

    private static readonly Option<string[]> s_admin = Rules("--admin", "LIST", "users who administer beside root: alice+%netadmin");
    private static readonly Option<string[]> s_interface = Rules("--allow-interface", "NAME=LIST", "users who may open an interface: eth1=alice+%capture");
    private static readonly Option<string[]> s_switch = Rules("--allow-switch", "NAME=LIST", "users who may make a switch and have ports on it");
    private static readonly Option<string[]> s_port = Rules("--allow-port", "NAME=LIST", "users who may open a port of one another");
    private static readonly Option<int> s_memories = Limit("--memories-per-user", "regions of memory", s_defaults.MemoriesPerUser);
    private static readonly Option<int> s_switches = Limit("--switches-per-user", "switches made", s_defaults.SwitchesPerUser);
    private static readonly Option<int> s_ports = Limit("--ports-per-user", "persistent ports", s_defaults.PortsPerUser);
    private static readonly Option<int> s_attachments =
        Limit("--attachments-per-user", "interfaces on switches", s_defaults.AttachmentsPerUser);

    public static void AddTo(Command command)
    {
        Option[] all = [s_config, s_admin, s_interface, s_switch, s_port, s_memories, s_switches, s_ports, s_attachments];
        foreach (Option option in all)
            command.Options.Add(option);
    }

    public static ConfigurationSource Source(ParseResult parsed) => new()
    {
        File = parsed.GetValue(s_config),
        Administrators = parsed.GetValue(s_admin) ?? [],
        Interfaces = parsed.GetValue(s_interface) ?? [],
        Switches = parsed.GetValue(s_switch) ?? [],
        Ports = parsed.GetValue(s_port) ?? [],
    };

    /// <summary>The limits that are options.</summary>
    /// <exception cref="UsageException">One is out of range.</exception>
    public static NetmapServerOptions AddTo(NetmapServerOptions options, ParseResult parsed) => options with
    {
        MemoriesPerUser = Count(s_memories, parsed, 1),
        SwitchesPerUser = Count(s_switches, parsed, 0),
        PortsPerUser = Count(s_ports, parsed, 0),
        AttachmentsPerUser = Count(s_attachments, parsed, 0),
    };

    private static int Count(Option<int> option, ParseResult parsed, int least) =>
        (int)Limits.Within(option.Name, parsed.GetValue(option), least, int.MaxValue);

    private static Option<int> Limit(string name, string what, int most) => new(name) { Description = what, DefaultValueFactory = _ => most };

    private static Option<string[]> Rules(string name, string form, string description) => new(name)
    {
        HelpName = form,
        Description = description,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };
}
