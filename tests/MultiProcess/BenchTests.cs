using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary><c>netmap bench</c> as scripts use it.</summary>
public sealed class BenchTests
{
    [Fact]
    public void AnEarlierRunsRatiosDecideTheExitCode()
    {
        using NetworkNamespace here = NetworkNamespace.Current();
        string file = Path.GetTempFileName();
        string output = Tool.Run(here, "bench", "pipe", "--quick", "--case", "60B-batch512-1core", "--json");
        JsonElement report = JsonDocument.Parse(output).RootElement;
        Assert.Equal(("pipe", "60B-batch512-1core", "Mpps"),
            (report.GetProperty("bench").GetString(), report.GetProperty("case").GetString(), report.GetProperty("unit").GetString()));
        double ratio = report.GetProperty("peers")[0].GetProperty("ratio").GetDouble();
        Assert.Equal(report.GetProperty("ours").GetDouble() / report.GetProperty("peers")[0].GetProperty("value").GetDouble(), ratio, 0.01);
        // A thousand times what it was is no run of this machine.
        Assert.Equal(0, Compare(here, file, output, ratio / 1000).ExitCode);
        (int code, string words) = Compare(here, file, output, ratio * 1000);
        Assert.Equal(1, code);
        Assert.Contains("netmap: bench pipe 60B-batch512-1core beside bare-loop: ratio ", words);
        File.Delete(file);
    }

    [Fact]
    public void ABenchmarkOfProcessesHasTheSameShape()
    {
        using NetworkNamespace here = NetworkNamespace.Current();
        JsonElement report = JsonDocument.Parse(Tool.Run(here, "bench", "ipc", "--quick", "--case", "roundtrip-awake", "--json")).RootElement;
        Assert.Equal(("ipc", "roundtrip-awake", "ns"),
            (report.GetProperty("bench").GetString(), report.GetProperty("case").GetString(), report.GetProperty("unit").GetString()));
        Assert.Equal(0, report.GetProperty("peers").GetArrayLength());
        JsonElement spread = report.GetProperty("spread");
        Assert.True(spread.GetProperty("count").GetInt64() > 0);
        Assert.InRange(report.GetProperty("ours").GetDouble(), spread.GetProperty("least").GetDouble(), spread.GetProperty("most").GetDouble());
    }

    private static (int ExitCode, string Words) Compare(NetworkNamespace here, string file, string earlier, double ratio)
    {
        JsonNode changed = JsonNode.Parse(earlier)!;
        changed["peers"]![0]!["ratio"] = ratio;
        File.WriteAllText(file, changed.ToJsonString());
        using Peer tool = Tool.Start(here, "bench", "pipe", "--quick", "--case", "60B-batch512-1core", "--json",
            "--compare", file, "--tolerance", 0.5.ToString(CultureInfo.InvariantCulture));
        string words = tool.Finish();
        return (tool.ExitCode, words);
    }
}
