using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Probe;

/// <summary><c>netmap probe</c>: what this kernel and this user can do, with the reason for each no.</summary>
internal static class ProbeCommand
{
    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "one JSON object a line, one for each feature" };
        Command command = new("probe", "Try what this kernel allows this user, in throw-away network namespaces.") { json };
        command.SetAction(parsed =>
        {
            IReadOnlyList<ProbeResult> results = KernelProbe.Run();
            if (parsed.GetValue(json))
            {
                foreach (ProbeResult result in results)
                    Output.Json(result);
            }
            else
            {
                Output.Table("what this kernel and user can do", ["feature", "", "reason", "for netmap"],
                    results.Select(r => new[] { r.Feature, r.Available ? "yes" : "no", r.Reason, r.Consequence }));
            }
            return ExitCode.Success;
        });
        return command;
    }
}
