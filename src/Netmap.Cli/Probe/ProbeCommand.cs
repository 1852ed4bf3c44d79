using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Probe;

/// <summary>
/// <c>netmap probe</c>: what this kernel and this user can do, with the reason for each no; of an interface, what a port on it
/// would be.
/// </summary>
internal static class ProbeCommand
{
    public static Command Create()
    {
        Argument<string?> name = new("interface") { Description = "what a port on it would be, and why; it is not opened", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = new("--json") { Description = "one JSON object a line, one for each feature" };
        Command command = new("probe", "Try what this kernel allows this user, in throw-away network namespaces; or look at an interface.") { name, json };
        PortArguments.AddTo(command, opens: false);
        command.SetAction(parsed =>
        {
            string? chosen = parsed.GetValue(name);
            Show(Probe(chosen, PortArguments.Read(parsed)), chosen is null ? "what this kernel and user can do" : $"a port on {chosen}", parsed.GetValue(json));
            return ExitCode.Success;
        });
        return command;
    }

    private static IReadOnlyList<ProbeResult> Probe(string? name, PortChoice choice)
    {
        if (name is null)
            return choice.Host is null ? KernelProbe.Run() : throw new UsageException("--host is for an interface: netmap probe IFACE --host …");
        if (choice.Host is { } host)
            return KernelProbe.RunHost(name, host);
        using NetmapEngine engine = choice.MakeEngine();
        return KernelProbe.Run(name, engine);
    }

    private static void Show(IReadOnlyList<ProbeResult> results, string title, bool json)
    {
        if (!json)
        {
            Output.Table(title, ["feature", "", "reason", "for netmap"],
                results.Select(r => new[] { r.Feature, r.Available ? "yes" : "no", r.Reason, r.Consequence }));
            return;
        }
        foreach (ProbeResult result in results)
            Output.Json(result);
    }
}
