namespace Netmap.Cli.PktGen;

/// <summary>The line of one interval: rate, packets, bits, time, average batch and least space.</summary>
internal sealed class ProgressLine(PktGenOptions options)
{
    private const int Window = 15;

    private readonly Queue<double> _rates = new();
    private long _packets;
    private long _bytes;
    private long _events;

    public string Next(Worker[] workers, TimeSpan elapsed)
    {
        long packets = workers.Sum(w => Volatile.Read(ref w.Progress.Packets));
        long bytes = workers.Sum(w => Volatile.Read(ref w.Progress.Bytes));
        long events = workers.Sum(w => w.Progress.Events);
        (long newPackets, long newBytes, long newEvents) = (packets - _packets, bytes - _bytes, events - _events);
        (_packets, _bytes, _events) = (packets, bytes, events);
        double rate = newPackets / elapsed.TotalSeconds;
        double bits = (newBytes + (options.Framing ? 24 * newPackets : 0)) * 8 / elapsed.TotalSeconds;
        int space = workers.Min(w => w.Progress.MinSpace);
        return $"{Units.Scale(rate, options.RawUnits)}pps {Statistics(rate)}({Units.Scale(newPackets, options.RawUnits)}pkts "
            + $"{Units.Scale(bits, options.RawUnits)}bps in {elapsed.TotalMicroseconds:F0} usec) "
            + $"{(newEvents > 0 ? (double)newPackets / newEvents : 0):F2} avg_batch {(space == int.MaxValue ? 0 : space)} min_space";
    }

    private string Statistics(double rate)
    {
        if (!options.Average)
            return "";
        _rates.Enqueue(rate);
        if (_rates.Count > Window)
            _rates.Dequeue();
        double average = _rates.Average();
        double deviation = Math.Sqrt(_rates.Average(r => (r - average) * (r - average)));
        return $"[avg/std {Units.Scale(average, options.RawUnits)}/{Units.Scale(deviation, options.RawUnits)}pps] ";
    }
}

/// <summary>Numbers as people read them.</summary>
internal static class Units
{
    private static readonly string[] s_prefixes = ["", "K", "M", "G", "T"];

    /// <summary>Three decimals and a prefix, with a space between: "1.500 M".</summary>
    public static string Scale(double value, bool raw)
    {
        int prefix = 0;
        for (; !raw && value >= 1000 && prefix < s_prefixes.Length - 1; prefix++)
            value /= 1000;
        return $"{value.ToString(raw || prefix == 0 ? "F0" : "F3")} {s_prefixes[prefix]}";
    }
}
