using Netmap.Cli.Common;

namespace Netmap.Cli.Bench;

/// <summary>A benchmark's cases for people: a column is there when a case has something to put in it.</summary>
internal static class BenchTable
{
    public static void Write(Benchmark bench, IReadOnlyList<CaseReport> reports)
    {
        if (reports.Count == 0)
            return;
        List<(string Name, Func<CaseReport, string?> Value)> columns = Columns(reports.Max(report => report.Peers.Count));
        columns.RemoveAll(column => reports.All(report => column.Value(report) is null));
        Output.Table($"{bench.Name}: {bench.Description.TrimEnd('.')} ({Machine.Current})", [.. columns.Select(column => column.Name)],
            reports.Select(report => columns.Select(column => column.Value(report) ?? "").ToArray()));
        foreach (string line in Notes(reports).Distinct())
            Console.Out.WriteLine(line);
    }

    private static List<(string Name, Func<CaseReport, string?> Value)> Columns(int peers)
    {
        List<(string, Func<CaseReport, string?>)> columns = [("case", report => report.Case), ("ours", report => $"{report.Ours} {report.Unit}")];
        for (int i = 0; i < peers; i++)
        {
            int at = i;
            columns.Add(("beside", report => report.Peers.ElementAtOrDefault(at)?.Name));
            columns.Add(("its", report => report.Peers.ElementAtOrDefault(at)?.Value?.ToString()));
            columns.Add(("ratio", report => report.Peers.ElementAtOrDefault(at)?.Ratio?.ToString("F3")));
        }
        columns.AddRange(
        [
            ("count", report => report.Spread?.Count.ToString()),
            ("least", report => report.Spread?.Least.ToString()),
            ("p90", report => report.Spread?.P90.ToString()),
            ("p99", report => report.Spread?.P99?.ToString()),
            ("p99.9", report => report.Spread?.P999?.ToString()),
            ("most", report => report.Spread?.Most.ToString()),
            ("loss", report => report.Loss?.ToString("P2")),
            ("CPU", report => report.Cpu?.ToString("F2")),
            ("bytes each", report => report.Allocations?.BytesEach.ToString("F4")),
            ("GC", report => report.Allocations?.Collections.ToString()),
        ]);
        return columns;
    }

    private static IEnumerable<string> Notes(IReadOnlyList<CaseReport> reports)
    {
        foreach (CaseReport report in reports)
        {
            if (report.Mode is { Port: { } port, Adapter: { } adapter, Driver: { } driver })
                yield return $"{report.Case} on {driver}: {adapter}, {port}";
            if (report.Mode.Cores is { } cores)
                yield return $"cores: {cores}";
        }
        foreach (PeerReport peer in reports.SelectMany(report => report.Peers))
        {
            if (peer.Missing is { } missing)
                yield return $"{peer.Name} is missing: {missing}";
        }
    }
}
