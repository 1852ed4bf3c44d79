using System.Text.Json;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>The ratios of an earlier run, for <c>--compare</c>. Ratios compare, figures do not: the machine's speed changes.</summary>
internal sealed class Comparison
{
    private readonly string _file;
    private readonly Dictionary<(string Bench, string Case, string Peer), double> _ratios;

    private Comparison(string file, Dictionary<(string, string, string), double> ratios) => (_file, _ratios) = (file, ratios);

    /// <param name="file">Lines of <c>--json</c>.</param>
    /// <exception cref="UsageException">It holds something else.</exception>
    public static Comparison Read(string file)
    {
        Dictionary<(string, string, string), double> ratios = [];
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (line.Length == 0)
                continue;
            try
            {
                Add(ratios, JsonDocument.Parse(line).RootElement);
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new UsageException($"--compare {file}: line {number} is no case of `netmap bench … --json`");
            }
        }
        return new(file, ratios);
    }

    /// <summary>Says which ratios fell by more than <paramref name="tolerance"/> of what they were.</summary>
    /// <returns>The exit code: a failure where one fell, or where no ratio is in both runs.</returns>
    public int Judge(IReadOnlyList<CaseReport> reports, double tolerance)
    {
        int compared = 0;
        int fell = 0;
        foreach (CaseReport report in reports)
        {
            foreach (PeerReport peer in report.Peers)
            {
                if (peer.Ratio is not { } now || !_ratios.TryGetValue((report.Bench, report.Case, peer.Name), out double was))
                    continue;
                compared++;
                if (now >= was * (1 - tolerance))
                    continue;
                fell++;
                Console.Error.WriteLine($"netmap: bench {report.Bench} {report.Case} beside {peer.Name}: ratio {now:F3}, was {was:F3}");
            }
        }
        if (compared == 0)
            Console.Error.WriteLine($"netmap: --compare {_file}: no ratio of this run is there");
        return fell > 0 || compared == 0 ? ExitCode.Failure : ExitCode.Success;
    }

    private static void Add(Dictionary<(string, string, string), double> ratios, JsonElement report)
    {
        foreach (JsonElement peer in report.GetProperty("peers").EnumerateArray())
        {
            if (peer.GetProperty("ratio") is { ValueKind: JsonValueKind.Number } ratio)
                ratios[(Text(report, "bench"), Text(report, "case"), Text(peer, "name"))] = ratio.GetDouble();
        }
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";
}
