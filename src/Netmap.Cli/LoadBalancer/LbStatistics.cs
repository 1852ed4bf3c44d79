using System.Diagnostics;
using System.Text.Json.Serialization;

namespace Netmap.Cli.LoadBalancer;

/// <summary>One line of statistics, with the names of netmap's lb: of a pipe, or of all (<see cref="OutputRing"/> null).</summary>
internal sealed record LbLine
{
    /// <summary>Seconds since 1970.</summary>
    public required double Ts { get; init; }
    public required string Interface { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required int? OutputRing { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? PacketsReceived { get; init; }
    public required long PacketsForwarded { get; init; }
    public required long PacketsDropped { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? NonIpPackets { get; init; }

    [JsonPropertyName("data_forward_rate_Mbps")]
    public double DataForwardRate { get; init; }

    [JsonPropertyName("data_drop_rate_Mbps")]
    public double DataDropRate { get; init; }

    [JsonPropertyName("packet_forward_rate_kpps")]
    public double PacketForwardRate { get; init; }

    [JsonPropertyName("packet_drop_rate_kpps")]
    public double PacketDropRate { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OverflowQueueSize { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? FreeBufferSlots { get; init; }
}

/// <summary>Statistics of one reader of them: rates are those since it last asked.</summary>
internal sealed class LbStatistics(string port, Balancer balancer, TimeSpan interval)
{
    private readonly (long Packets, long Bytes, long Dropped, long DroppedBytes)[] _before = new (long, long, long, long)[balancer.Outputs.Count];
    private long _taken = Stopwatch.GetTimestamp();

    /// <summary>A line is due; never where there is no interval.</summary>
    public bool IsDue => interval > TimeSpan.Zero && Stopwatch.GetElapsedTime(_taken) >= interval;

    /// <summary>One line for each pipe, and one for all.</summary>
    public List<LbLine> Take()
    {
        double seconds = Math.Max(1e-9, Stopwatch.GetElapsedTime(_taken).TotalSeconds);
        _taken = Stopwatch.GetTimestamp();
        double now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        List<LbLine> lines = [];
        for (int i = 0; i < balancer.Outputs.Count; i++)
        {
            OutputPipe output = balancer.Outputs[i];
            (long packets, long bytes, long dropped, long droppedBytes) = _before[i];
            _before[i] = (output.Packets, output.Bytes, output.Dropped, output.DroppedBytes);
            lines.Add(new()
            {
                Ts = now,
                Interface = output.Name,
                OutputRing = output.Number,
                PacketsForwarded = output.Packets,
                PacketsDropped = output.Dropped,
                DataForwardRate = (output.Bytes - bytes) * 8 / seconds / 1e6,
                DataDropRate = (output.DroppedBytes - droppedBytes) * 8 / seconds / 1e6,
                PacketForwardRate = (output.Packets - packets) / seconds / 1e3,
                PacketDropRate = (output.Dropped - dropped) / seconds / 1e3,
                OverflowQueueSize = output.Waiting,
            });
        }
        lines.Add(Total(now, lines));
        return lines;
    }

    private LbLine Total(double now, List<LbLine> lines) => new()
    {
        Ts = now,
        Interface = port,
        OutputRing = null,
        PacketsReceived = balancer.Received,
        PacketsForwarded = lines.Sum(line => line.PacketsForwarded),
        PacketsDropped = lines.Sum(line => line.PacketsDropped),
        NonIpPackets = balancer.NotIp,
        DataForwardRate = lines.Sum(line => line.DataForwardRate),
        DataDropRate = lines.Sum(line => line.DataDropRate),
        PacketForwardRate = lines.Sum(line => line.PacketForwardRate),
        PacketDropRate = lines.Sum(line => line.PacketDropRate),
        FreeBufferSlots = balancer.FreeBuffers,
    };
}
