namespace Netmap.Cli.Bench.FailOpen;

/// <summary>How long hosts were without their network, in milliseconds.</summary>
internal sealed class KillTimes(IEnumerable<TimeSpan> times)
{
    public double[] Sorted { get; } = [.. times.Select(time => Math.Round(time.TotalMilliseconds, 1)).Order()];

    public double Least => Sorted[0];

    public double P50 => Part(0.5);

    public double P90 => Part(0.9);

    public double Most => Sorted[^1];

    public override string ToString() => $"{Sorted.Length} kills: ms from SIGKILL to the host's next answer: least {Least:F1}, p50 {P50:F1}, p90 {P90:F1}, most {Most:F1}";

    private double Part(double part) => Sorted[(int)Math.Ceiling(part * Sorted.Length) - 1];
}
